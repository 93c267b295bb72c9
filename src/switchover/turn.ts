import { scope, sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { destroySession } from '../consul/sessions.ts'
import type { KvStep } from '../consul/txn.ts'
import { contend } from '../lock/contend.ts'
import type { Contest, Held } from '../lock/contest.ts'
import type { Timing } from '../lock/deadline.ts'
import { Hold } from '../lock/hold.ts'
import { keyOfName } from '../lock/keys.ts'
import type { Loss } from '../lock/loss.ts'
import { describeHolder, parseRecord } from '../lock/record.ts'
import { release } from '../lock/release.ts'

/** Who switches, for the holder record. */
export interface Switcher {
  readonly host: string
  readonly pid: number
  readonly user: string
  readonly command: readonly string[]
  /** Whether a process of this host lives. */
  isAlive(pid: number): boolean
}

/**
 * Short, and without any lock-delay: the lock keeps two operators apart, and every step proves in its own transaction
 * that the lock is still ours, so nothing can be done by a holder that was cut off.
 */
const TIMING: Timing = { ttlMs: 10_000, renewMs: 5000, graceMs: 0, lockDelayMs: 0 }

/** A holder that died elsewhere is gone after twice its TTL. */
const PATIENCE_MS = 25_000
const POLL_MS = 500

/**
 * Does work under the lock of a service's switches; `fence` proves in a transaction that the lock is still ours. Rejects
 * with a `declined` failure when somebody else is at it, or when the lock is lost meanwhile.
 */
export async function inTurn<T>(
  ctx: Context,
  consul: Consul,
  service: string,
  who: Switcher,
  work: (ctx: Context, fence: KvStep) => Promise<T>,
): Promise<T> {
  const held = await takeTurn(ctx, consul, service, who)
  const hold = new Hold(ctx, consul, held)
  using locked = scope(ctx.signal)
  const stop = () => locked.abort(lostTurn(hold.lost.reason as Loss))
  hold.lost.addEventListener('abort', stop, { once: true })
  try {
    const { key, sessionId: session } = held.stake
    return await work({ ...ctx, signal: locked.signal }, { verb: 'check-session', key, session })
  } finally {
    await hold.end()
    await release(ctx, consul, held.session, held.stake)
  }
}

async function takeTurn(ctx: Context, consul: Consul, service: string, who: Switcher): Promise<Held> {
  const name = `switchover/${service}`
  const contest = contestFor(name, who)
  const start = ctx.clock.now()
  for (;;) {
    const quiet = { ...ctx, log: { ...ctx.log, notice: () => {} } }
    const held = await contend(quiet, consul, contest)
    if (held !== 'busy') return held
    const { entry } = await readKey(ctx, consul, contest.key, { consistent: true })
    if (entry?.session === undefined) continue
    const { host, pid } = parseRecord(entry.value)
    const diedHere = host === who.host && pid !== undefined && !who.isAlive(pid)
    if (diedHere) await destroySession(ctx, consul, entry.session)
    else if (host === who.host || ctx.clock.since(start) > PATIENCE_MS) throw busy(ctx, service, entry.value)
    await sleep(ctx, POLL_MS)
  }
}

function contestFor(name: string, { host, pid, user, command }: Switcher): Contest {
  return {
    name,
    key: keyOfName(name),
    sessionName: `consul-locker ${name} ${randomId()}`,
    record: (nowMs) => {
      const since = new Date(nowMs).toISOString()
      return JSON.stringify({ host, pid, user, command, since, runId: '', lockDelayMs: TIMING.lockDelayMs })
    },
    timing: TIMING,
    once: true,
    ancestors: [],
    onSession: () => {},
  }
}

function busy(ctx: Context, service: string, record: string): Failure {
  const holder = describeHolder(record, ctx.clock.now().wallMs)
  return new Failure('declined', `another switch of ${service} is under way: ${holder}`)
}

function lostTurn(loss: Loss): Failure {
  return new Failure('declined', `the switch was stopped, for its lock was lost: ${loss.sentence}`, {
    hint: 'start-primary again goes on with it',
  })
}
