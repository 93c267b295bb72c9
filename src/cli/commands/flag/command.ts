import { withTimeout } from '../../../base/abort.ts'
import type { Instant } from '../../../base/clock.ts'
import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import type { Consul } from '../../../consul/consul.ts'
import { readKey } from '../../../consul/kv.ts'
import { Retry } from '../../../consul/retry.ts'
import { checkKey } from '../../../lock/lock-keys.ts'
import { awaitFlag, FLAG_WAIT_OVER } from '../../../switchover/flag-changes.ts'
import { type Direction, type Flag, type FlagValue, flagKey, parseFlag, setFlag } from '../../../switchover/flags.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import type { Subcommand } from '../../invocation/invocation.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { ownNode } from '../../options/own-node.ts'
import { print, printLines } from '../../output/print.ts'
import { checkStrayCommand, type FlagMode, modeOf, serviceOf } from './flag-mode.ts'
import { runOnTransitions } from './flag-watch.ts'
import { DEMOTE_SYNTAX, PROMOTE_SYNTAX } from './syntax.ts'

/** `consul-locker promote SERVICE` */
export const promoteCommand = flagCommand('promote')

/** `consul-locker demote SERVICE` */
export const demoteCommand = flagCommand('demote')

function flagCommand(direction: Direction): Subcommand {
  return subcommand(direction === 'promote' ? PROMOTE_SYNTAX : DEMOTE_SYNTAX, async (request) => {
    const { ctx, options, words, command = [], environment } = request
    const service = serviceOf(words, direction)
    const mode = modeOf(options)
    checkStrayCommand(mode, command)
    const consul = await connect(options, environment)
    try {
      const beganAt = ctx.clock.now()
      const node = options.node ?? (await ownNode(ctx, consul, patienceMs(mode, options.timeout)))
      const key = checkKey('flag', flagKey(service, node, direction))
      switch (mode) {
        case 'set':
          await setFlag(ctx, consul, key, options.set ?? 'NULL')
          return EXIT.done
        case 'wait':
          return await waitFor(ctx, consul, key, options.wait ?? 'NULL', options.timeout, beganAt)
        case 'watch':
          return await runOnTransitions(ctx, request, consul, { service, node, direction, key, command })
        case 'print-watch':
          return printLines(
            watchFor(key, command.length > 0 ? command : ['/usr/bin/env', 'service', service, direction]).split('\n'),
          )
        default:
          return await show(ctx, consul, { service, node, direction, key }, mode === 'get', options.json)
      }
    } finally {
      consul.close()
    }
  })
}

/** For how long Consul may be away at the beginning. */
function patienceMs(mode: FlagMode, timeoutMs: number): number {
  if (mode === 'watch') return Number.POSITIVE_INFINITY
  return mode === 'wait' ? timeoutMs : 0
}

interface FlagOf {
  readonly service: string
  readonly node: string
  readonly direction: Direction
  readonly key: string
}

async function show(ctx: Context, consul: Consul, flag: FlagOf, bare: boolean, json: boolean): Promise<number> {
  const { service, node, direction, key } = flag
  const {
    flag: { value },
    exists,
  } = await currentFlag(ctx, consul, key)
  if (json) return print(JSON.stringify({ service, node, flag: direction, value, exists }))
  return print(bare ? value : `${key}: ${value}`)
}

async function currentFlag(ctx: Context, consul: Consul, key: string): Promise<{ flag: Flag; exists: boolean }> {
  const { entry } = await readKey(ctx, consul, key, { consistent: true })
  return { flag: parseFlag(key, entry), exists: entry !== undefined }
}

/** 0 looks once. */
async function waitFor(
  ctx: Context,
  consul: Consul,
  key: string,
  value: FlagValue,
  timeoutMs: number,
  beganAt: Instant,
): Promise<number> {
  if (timeoutMs === 0 && (await currentFlag(ctx, consul, key)).flag.value === value) return EXIT.done
  const retry = new Retry(consul, { waitMs: timeoutMs })
  const late = () => retry.whyOver(FLAG_WAIT_OVER)
  try {
    const leftMs = timeoutMs - ctx.clock.since(beganAt)
    await withTimeout(ctx, leftMs, late, (ctx) => awaitFlag(ctx, consul, key, value, retry))
    return EXIT.done
  } catch (thrown) {
    if (thrown !== FLAG_WAIT_OVER) throw thrown
    ctx.log.error(`${key} has not become ${value} within ${formatDuration(timeoutMs)}`)
    return EXIT.busy
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
