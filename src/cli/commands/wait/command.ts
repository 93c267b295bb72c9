import { isatty } from 'node:tty'
import { sleep } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import { exec, mayExec } from '../../../child/exec.ts'
import { shellStatus } from '../../../child/exit-status.ts'
import { inForeground } from '../../../child/foreground.ts'
import { unlessInterrupted } from '../../../child/interruptible-wait.ts'
import { awaitGates, type GatesEnd } from '../../../gate/await-gates.ts'
import type { Gate } from '../../../gate/gate.ts'
import { parseGate } from '../../../gate/gate-grammar.ts'
import { describeMissing, MissingReporter } from '../../../gate/missing-reporter.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { commandBehind } from '../../user-command/command-behind.ts'
import { runInOurPlace } from '../../user-command/run-in-our-place.ts'
import { MissingProgress } from './missing-progress.ts'
import { WAIT_SYNTAX, type WaitCommandOptions } from './syntax.ts'

/** `consul-locker wait GATE… [-- command…]` */
export const waitCommand = subcommand(
  WAIT_SYNTAX,
  async ({ ctx, options, words, command: line, environment, signals }) => {
    const gates = gatesIn(words)
    const { interval: intervalMs, any } = options
    const timeoutMs = options.once ? 0 : options.timeout
    const wait = { timeoutMs, any, ...(intervalMs !== undefined && { intervalMs }) }
    const command = await commandBehind(line, environment, 'wait only')
    const world = { connect: () => connect(options, environment), environment }
    const end = await unlessInterrupted(ctx, signals, async (ctx) => {
      using line = missingLine(ctx, gates.length, options)
      const onMissing = line.update.bind(line)
      const end = await awaitGates(ctx, world, gates, { ...wait, onMissing })
      // A signal that has come by now still ends us, for the command would never hear of it.
      await sleep(ctx, 0)
      return end
    })
    if ('kind' in end) return shellStatus(end)
    if (!end.passed) return giveUp(ctx, end, timeoutMs)
    if (!command) return EXIT.done
    if (mayExec(environment)) exec(command, environment)
    return shellStatus(await runInOurPlace(signals, command, environment))
  },
)

function gatesIn(words: readonly string[]): Gate[] {
  const hint = 'consul-locker wait [options] <gate>… [-- command…], with gates like service:db or tcp:db:3306'
  if (words.length === 0) throw new Failure('usage', 'what is to be waited for?', { hint })
  const stray = words.find((word) => !word.includes(':'))
  if (stray !== undefined) throw new Failure('usage', `${JSON.stringify(stray)} is no gate`, { hint })
  return words.map(parseGate)
}

function missingLine(ctx: Context, of: number, { quiet, 'log-format': form }: WaitCommandOptions) {
  // In the background others write to the terminal, too, and would be written over.
  const isPlain = ctx.log.debugging || form === 'json' || !isatty(2) || !inForeground()
  return quiet || isPlain ? new MissingReporter(ctx, 'waiting for') : new MissingProgress(ctx.clock, of)
}

function giveUp(ctx: Context, { missing }: GatesEnd, timeoutMs: number): number {
  const after = timeoutMs === 0 ? '' : ` after ${formatDuration(timeoutMs)}`
  ctx.log.error(`gave up${after}: ${describeMissing(missing)}`, { missing: missing.map(({ gate }) => gate.text) })
  return EXIT.busy
}
