import { resolve } from 'node:path'
import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import { CommandOutput } from '../../../run/output/command-output.ts'
import type { OutputPlan, OutputSink } from '../../../run/output/output-plan.ts'
import type { RunCommandOptions } from './syntax.ts'

/**
 * The way that options want the command's output to take, which a listener only wants to hear: where that can't be,
 * there is none, with a warning. Rejects with a `Failure`.
 */
export async function openOutput(
  ctx: Context,
  options: RunCommandOptions,
  environment: NodeJS.ProcessEnv,
  listener: OutputSink | undefined,
): Promise<CommandOutput | undefined> {
  const plan = outputPlan(options)
  const isAsked = plan.tee !== undefined || plan.timestamps || plan.quietUnlessFail
  try {
    return await CommandOutput.open(ctx, environment, plan, listener)
  } catch (thrown) {
    if (isAsked || !(thrown instanceof Failure)) throw thrown
    ctx.log.warn(`${thrown.message}, so none of it is told`)
    listener?.close?.()
    return undefined
  }
}

/** It, as a plan. Throws a `usage` failure. */
export function outputPlan(options: RunCommandOptions): OutputPlan {
  const { tee: file, 'tee-size': maxBytes, timestamps, 'quiet-unless-fail': quietUnlessFail } = options
  if (file === undefined && maxBytes !== undefined) {
    throw new Failure('usage', '--tee-size bounds the file of --tee, and there is none', {
      hint: 'leave it out, or name a file',
    })
  }
  const { 'report-file': report, textfile } = options
  const others = { '--report-file': report, '--textfile': textfile }
  for (const [other, path] of Object.entries(others)) {
    if (file === undefined || path === undefined || resolve(path) !== resolve(file)) continue
    throw new Failure('usage', `--tee and ${other} name the same file`, { hint: 'give one of them another one' })
  }
  const tee = file !== undefined && { file: resolve(file), ...(maxBytes !== undefined && { maxBytes }) }
  return { quietUnlessFail, timestamps, ...(tee && { tee }) }
}
