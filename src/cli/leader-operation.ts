import { hostname } from 'node:os'
import { isatty } from 'node:tty'
import { scope, sleep } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { shellStatus } from '../child/exit-status.ts'
import { ENDS_US, type ForwardedSignal } from '../child/signals.ts'
import { agentSelf } from '../consul/agent.ts'
import { Retry } from '../consul/retry.ts'
import { readCluster } from '../leader/cluster.ts'
import { readLeaderFile } from '../leader/leader-file.ts'
import { leaderKeys } from '../leader/leader-keys.ts'
import {
  type Hand,
  requestStepDown,
  setDisabled,
  setMaintenance,
  unfreeze,
  untilMasterIsNot,
} from '../leader/switching.ts'
import { checkKey } from '../lock/keys.ts'
import { connect } from './connect.ts'
import { orFromFile } from './consul-of-file.ts'
import { duration } from './duration.ts'
import type { Invocation } from './invocation.ts'
import { clusterTable, memberLines } from './leader-table.ts'
import { givenIn, type Parsed } from './parse.ts'
import { print, printed, printLines, printText } from './print.ts'
import { userName } from './user-name.ts'

/** What an operator may ask for. */
export const LEADER_WORDS = ['status', 'members', 'step-down', 'disable', 'enable', 'maintenance', 'unfreeze'] as const

export type LeaderWord = (typeof LEADER_WORDS)[number]

const TIMEOUT_MS = 60_000
const MAINTENANCE_MS = 3_600_000
const FOLLOW_MS = 1000
const CLEAR = '\x1b[H\x1b[J'

/** Does what an operator asks for, through Consul. Settles with the exit code; rejects with a `Failure`. */
export async function operate(ctx: Context, invocation: Invocation, parsed: Parsed, word: LeaderWord): Promise<number> {
  const { environment } = invocation
  const given = givenIn(parsed)
  const path = given('file')
  const file = path === undefined ? undefined : readLeaderFile(path)
  const [, name = file?.name, extra] = parsed.words
  if (name === undefined) {
    throw new Failure('usage', 'no application was named', { hint: `consul-locker leader ${word} <name>` })
  }
  if (extra !== undefined) throw new Failure('usage', `${JSON.stringify(extra)} is one word too many`)
  const lockKey = given('lock-key') ?? file?.lock_key
  const keys = leaderKeys(name, lockKey === undefined ? undefined : checkKey('--lock-key', lockKey))
  checkKey('name', name)
  const consul = await connect(file ? orFromFile(given, file.consul, environment) : given, environment)
  const hand: Hand = { consul, name, keys }
  const node = async () => given('node') ?? (await agentSelf(ctx, consul)).node
  try {
    switch (word) {
      case 'status':
        return await (parsed.options.watch
          ? follow(ctx, invocation, hand)
          : status(ctx, hand, parsed.options.json === true))
      case 'members':
        return await members(ctx, hand, parsed.options.json === true)
      case 'step-down':
        return await stepDown(ctx, hand, parsed)
      case 'disable':
        return await disable(ctx, hand, await node(), duration('timeout', given) ?? TIMEOUT_MS)
      case 'enable':
        await setDisabled(ctx, hand, await node(), false)
        return 0
      case 'maintenance':
        return await maintenance(ctx, hand, parsed)
      case 'unfreeze':
        if (!(await unfreeze(ctx, hand))) ctx.log.notice(`${name} was not frozen`)
        return 0
    }
  } finally {
    consul.close()
  }
}

async function status(ctx: Context, { consul, name, keys }: Hand, json: boolean): Promise<number> {
  const cluster = await readCluster(ctx, consul, name, keys)
  if (!cluster.master && cluster.members.length === 0) {
    throw new Failure('declined', `no agent of ${name} is registered in Consul`, { hint: 'is that its name?' })
  }
  return printLines(json ? [JSON.stringify(cluster)] : clusterTable(cluster, ctx.clock.now().wallMs))
}

async function members(ctx: Context, { consul, name, keys }: Hand, json: boolean): Promise<number> {
  const { members } = await readCluster(ctx, consul, name, keys)
  return printLines(json ? [JSON.stringify(members)] : memberLines(members))
}

/** Paints the cluster anew each second until a signal comes. */
async function follow(ctx: Context, { signals }: Invocation, { consul, name, keys }: Hand): Promise<number> {
  if (!isatty(1)) throw new Failure('usage', '--watch is for terminals', { hint: 'leave it out, or use --json' })
  using stop = scope(ctx.signal)
  using _listening = signals.listen((signal) => {
    if (ENDS_US.includes(signal)) stop.abort(signal)
  })
  const bounded = under(ctx, stop.signal)
  const retry = new Retry(consul)
  try {
    for (;;) {
      const cluster = await retry.until(bounded, () => readCluster(bounded, consul, name, keys))
      printText(CLEAR)
      printLines(clusterTable(cluster, ctx.clock.now().wallMs))
      await printed(bounded, 0)
      await sleep(bounded, FOLLOW_MS)
    }
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown
    return shellStatus({ signal: stop.signal.reason as ForwardedSignal })
  }
}

async function stepDown(ctx: Context, hand: Hand, parsed: Parsed): Promise<number> {
  const force = parsed.options.force === true
  const timeoutMs = duration('timeout', givenIn(parsed)) ?? TIMEOUT_MS
  const node = await requestStepDown(ctx, hand, `${userName()}@${hostname()}`, force)
  const { master } = await untilMasterIsNot(ctx, hand, node, timeoutMs)
  return print(`${hand.name}: ${master?.node} is master now, after ${node}`)
}

async function disable(ctx: Context, hand: Hand, node: string, timeoutMs: number): Promise<number> {
  await setDisabled(ctx, hand, node, true)
  const { master, members } = await readCluster(ctx, hand.consul, hand.name, hand.keys)
  if (!members.some((member) => member.node === node)) {
    ctx.log.warn(`no agent of ${hand.name} is registered on ${node}; it will be disabled when it comes`)
  }
  if (master?.node !== node) return 0
  const after = await untilMasterIsNot(ctx, hand, node, timeoutMs)
  return print(`${hand.name}: ${after.master?.node} is master now, after ${node}`)
}

async function maintenance(ctx: Context, hand: Hand, parsed: Parsed): Promise<number> {
  const given = givenIn(parsed)
  const forMs = duration('for', given)
  const until = new Date(ctx.clock.now().wallMs + (forMs ?? MAINTENANCE_MS)).toISOString()
  const node = given('node')
  await setMaintenance(ctx, hand, node, parsed.options.off ? undefined : until)
  const where = node === undefined ? hand.name : `${hand.name} on ${node}`
  return print(parsed.options.off ? `${where}: maintenance is over` : `${where}: in maintenance until ${until}`)
}
