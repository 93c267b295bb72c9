import type { Context } from '../../../../base/context.ts'
import { readConsulSettings } from '../../../connection/read-consul-settings.ts'
import type { Invocation, Subcommand } from '../../../invocation/invocation.ts'
import { print, printLines, printText } from '../../../output/print.ts'
import { blaming } from '../../../syntax/environment-words.ts'
import { valuesOf } from '../../../syntax/option.ts'
import { executableOf } from '../command.ts'
import { observed } from '../load-on-demand.ts'
import { outputPlan } from '../run-output.ts'
import { sortWithRun } from '../run-words.ts'
import { ownAddress } from '../shared-dev-server.ts'
import { chosenCodes, RUN_SYNTAX, type RunCommandOptions } from '../syntax.ts'
import { type UnstartedRun, unstartedRun } from '../unstarted-run.ts'
import { EXPLAIN_SYNTAX } from './explain-syntax.ts'
import { explanationLines, explanationOf } from './explanation.ts'
import { timelineSvg } from './timeline-svg.ts'

/** Those of a run but its version. */
const { version: _, ...RUN_OPTIONS } = RUN_SYNTAX.options

/** `consul-locker explain [--json | --svg] [options] [<name> <command> [args…]]` */
export const explainCommand: Subcommand = { syntax: EXPLAIN_SYNTAX, perform: explain }

async function explain({ words, environment, context }: Invocation): Promise<number> {
  const { given, words: run, inherited } = sortWithRun(EXPLAIN_SYNTAX, RUN_OPTIONS, words, environment)
  const options = valuesOf(RUN_SYNTAX.options, given)
  const { json, svg } = valuesOf(EXPLAIN_SYNTAX.options, given)
  const accepted = await blaming(inherited, () => acceptedRun(context(options), options, run, environment))
  const [name] = run
  const explanation = explanationOf(accepted, options, name)
  if (svg) return printText(timelineSvg(explanation))
  if (!json) return printLines(explanationLines(explanation))
  const { timing, timeline, cases } = explanation
  return print(JSON.stringify({ name, timing, timeline, cases }))
}

/**
 * A run as it would be accepted. Rejects with the `Failure` that the run itself would end with before it asks Consul.
 */
async function acceptedRun(
  ctx: Context,
  options: RunCommandOptions,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<UnstartedRun> {
  const [name = 'NAME', ...command] = words
  const isAnyCommand = command.length === 0
  const checked = unstartedRun(ctx, { options, words: [name, ...(isAnyCommand ? ['true'] : command)] }, environment)
  if (!isAnyCommand) await executableOf(checked.spec, environment)
  chosenCodes(options)
  outputPlan(options)
  // Without its environment it speaks to no service manager.
  await observed(ctx, options, { ...checked.spec, environment: {} })
  if (options.dev) ownAddress(options, environment)
  readConsulSettings(options, environment)
  return checked
}
