import { isatty } from 'node:tty'
import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import { become, mayBecome } from '../child/become.ts'
import { type Command, findCommand } from '../child/command.ts'
import { type ExitStatus, shellStatus } from '../child/exit-status.ts'
import { inForeground } from '../child/foreground.ts'
import { unlessInterrupted } from '../child/interruption.ts'
import { launch } from '../child/launch.ts'
import { Relay } from '../child/relay.ts'
import type { SignalSource } from '../child/signals.ts'
import { tied } from '../child/tie.ts'
import { awaitGates, type GatesEnd } from '../gate/await-gates.ts'
import type { Gate } from '../gate/gate.ts'
import { parseGate } from '../gate/grammar.ts'
import { describeMissing, MissingLine } from '../gate/missing-line.ts'
import { checkEncoding } from './bytes.ts'
import { connect } from './connect.ts'
import { duration } from './duration.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { MissingProgress } from './missing-progress.ts'
import { type Given, givenIn, type Parsed, parseAnywhere } from './parse.ts'
import { WAIT_SYNTAX } from './wait-syntax.ts'

const DEFAULT_TIMEOUT_MS = 600_000
const SHORTEST_INTERVAL_MS = 10

/** `consul-locker wait GATE… [-- command…]`. Settles with the exit code. */
export async function waitCommand({ words, environment, signals, context }: Invocation): Promise<number> {
  const parsed = parseAnywhere(WAIT_SYNTAX, words, environment)
  const ctx = context(parsed.options)
  const given = givenIn(parsed)
  const gates = gatesIn(parsed.words)
  const timeoutMs = parsed.options.once ? 0 : (duration('timeout', given) ?? DEFAULT_TIMEOUT_MS)
  const wait = { timeoutMs, any: parsed.options.any === true, ...paceOf(given) }
  const command = await commandOf(parsed.command, words.includes('--'), environment)
  const world = { connect: () => connect(given, environment), environment }
  const end = await unlessInterrupted(ctx, signals, async (ctx) => {
    using line = missingLine(ctx, gates.length, parsed.options)
    const onMissing = line.update.bind(line)
    const end = await awaitGates(ctx, world, gates, { ...wait, onMissing })
    // A signal that has come by now still ends us, for the command would never hear of it.
    await sleep(ctx, 0)
    return end
  })
  if ('kind' in end) return shellStatus(end)
  if (!end.passed) return giveUp(ctx, end, timeoutMs)
  if (!command) return 0
  if (mayBecome(environment)) become(command, environment)
  return shellStatus(await standFor(signals, command, environment))
}

function paceOf(given: Given): { intervalMs?: number } {
  const intervalMs = duration('interval', given)
  if (intervalMs === undefined) return {}
  if (intervalMs >= SHORTEST_INTERVAL_MS) return { intervalMs }
  const shortest = formatDuration(SHORTEST_INTERVAL_MS)
  throw new Failure('usage', `--interval ${given('interval')} is no pause`, { hint: `${shortest} is the shortest` })
}

function gatesIn(words: readonly string[]): Gate[] {
  const hint = 'consul-locker wait [options] <gate>… [-- command…], with gates like service:db or tcp:db:3306'
  if (words.length === 0) throw new Failure('usage', 'what is to be waited for?', { hint })
  const stray = words.find((word) => !word.includes(':'))
  if (stray !== undefined) throw new Failure('usage', `${JSON.stringify(stray)} is no gate`, { hint })
  return words.map(parseGate)
}

async function commandOf(
  words: readonly string[],
  isWanted: boolean,
  environment: NodeJS.ProcessEnv,
): Promise<Command | undefined> {
  const [first, ...args] = words
  if (first === undefined) {
    if (!isWanted) return undefined
    throw new Failure('usage', 'no command stands behind the --', { hint: 'leave it out to wait only' })
  }
  checkEncoding(words)
  try {
    return findCommand([first, ...args], environment.PATH)
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'not-found') throw thrown
    throw (await import('./command-hint.ts')).withHint(thrown, words)
  }
}

function missingLine(ctx: Context, of: number, { quiet, ...options }: Parsed['options']) {
  // In the background others write to the terminal, too, and would be written over.
  const isPlain = ctx.log.debugging || options['log-format'] === 'json' || !isatty(2) || !inForeground()
  return quiet || isPlain ? new MissingLine(ctx, 'waiting for') : new MissingProgress(ctx.clock, of)
}

function giveUp(ctx: Context, { missing }: GatesEnd, timeoutMs: number): number {
  const after = timeoutMs === 0 ? '' : ` after ${formatDuration(timeoutMs)}`
  ctx.log.error(`gave up${after}: ${describeMissing(missing)}`, { missing: missing.map(({ gate }) => gate.text) })
  return EXIT.busy
}

/** Runs a command that can't take our place as if it had. */
async function standFor(signals: SignalSource, command: Command, environment: NodeJS.ProcessEnv): Promise<ExitStatus> {
  using relay = new Relay(signals)
  const name = `CONSUL_LOCKER_WAITED_${randomId().replaceAll('-', '_')}`
  const marker = `${name}=1`
  const child = await tied(marker, () => launch({ command, environment: { ...environment, [name]: '1' }, marker }))
  relay.to(child)
  return await child.exited
}
