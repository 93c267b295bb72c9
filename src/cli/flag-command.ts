import { scope } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { agentSelf } from '../consul/agent.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { Retry } from '../consul/retry.ts'
import { checkKey } from '../lock/keys.ts'
import { type Direction, type FlagValue, flagKey, parseFlag, setFlag } from '../switchover/flags.ts'
import { awaitFlag, WAIT_OVER } from '../switchover/watch.ts'
import { connect } from './connect.ts'
import { duration } from './duration.ts'
import { EXIT } from './exit-codes.ts'
import { runOnTransitions } from './flag-watch.ts'
import { checkStrayCommand, flagValueOf, flagWords, type Mode, modeOf } from './flag-words.ts'
import type { Invocation } from './invocation.ts'
import { givenIn } from './parse.ts'
import { print, printLines } from './print.ts'

/** `consul-locker promote SERVICE`. Settles with the exit code. */
export const promoteCommand = (invocation: Invocation) => flagCommand(invocation, 'promote')

/** `consul-locker demote SERVICE`. Settles with the exit code. */
export const demoteCommand = (invocation: Invocation) => flagCommand(invocation, 'demote')

async function flagCommand(invocation: Invocation, direction: Direction): Promise<number> {
  const { environment } = invocation
  const { parsed, service, command } = flagWords(invocation, direction)
  const ctx = invocation.context(parsed.options)
  const given = givenIn(parsed)
  const mode = modeOf(parsed)
  checkStrayCommand(mode, command)
  const value = flagValueOf(mode, given)
  const timeoutMs = duration('timeout', given) ?? DEFAULT_TIMEOUT_MS
  const consul = await connect(given, environment)
  try {
    const node = given('node') ?? (await ownNode(ctx, consul, mode))
    const key = checkKey('flag', flagKey(service, node, direction))
    switch (mode) {
      case 'set':
        await setFlag(ctx, consul, key, value)
        return 0
      case 'wait':
        return await waitFor(ctx, consul, key, value, timeoutMs)
      case 'watch':
        return await runOnTransitions(ctx, invocation, consul, { service, node, direction, key, command })
      case 'print-watch':
        return printLines(
          watchFor(key, command.length > 0 ? command : ['/usr/bin/env', 'service', service, direction]).split('\n'),
        )
      default:
        return await show(ctx, consul, { service, node, direction, key }, mode === 'get', parsed.options.json === true)
    }
  } finally {
    consul.close()
  }
}

const DEFAULT_TIMEOUT_MS = 60_000

async function ownNode(ctx: Context, consul: Consul, mode: Mode): Promise<string> {
  const ask = () => agentSelf(ctx, consul)
  const { node } = await (mode === 'watch' ? new Retry(consul).until(ctx, ask) : ask())
  return node
}

interface FlagOf {
  readonly service: string
  readonly node: string
  readonly direction: Direction
  readonly key: string
}

async function show(ctx: Context, consul: Consul, flag: FlagOf, bare: boolean, json: boolean): Promise<number> {
  const { service, node, direction, key } = flag
  const { entry } = await readKey(ctx, consul, key, { consistent: true })
  const { value } = parseFlag(key, entry)
  if (json) return print(JSON.stringify({ service, node, flag: direction, value, exists: entry !== undefined }))
  return print(bare ? value : `${key}: ${value}`)
}

async function waitFor(
  ctx: Context,
  consul: Consul,
  key: string,
  value: FlagValue,
  timeoutMs: number,
): Promise<number> {
  using wait = scope(ctx.signal)
  const cancel = ctx.clock.after(timeoutMs, () => wait.abort(WAIT_OVER))
  try {
    const bounded = { ...ctx, signal: wait.signal }
    await new Retry(consul).until(bounded, () => awaitFlag(bounded, consul, key, value))
    return 0
  } catch (thrown) {
    if (thrown !== WAIT_OVER) throw thrown
    ctx.log.error(`${key} has not become ${value} within ${formatDuration(timeoutMs)}`)
    return EXIT.busy
  } finally {
    cancel()
  }
}

/** In the form of Consul's documentation; words instead of one handler, so that no shell has a say. */
function watchFor(key: string, command: readonly string[]): string {
  return `{
  "watches": [{
    "args": ${JSON.stringify(command)},
    "key": ${JSON.stringify(key)},
    "type": "key"
  }]
}`
}
