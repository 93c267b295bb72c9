import { AbortReason, aborted, scope, sleep, unlessAborted } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { quiet } from '../base/quiet-log.ts'
import { randomId } from '../base/random-id.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { Retry } from '../consul/retry.ts'
import { destroySession } from '../consul/sessions.ts'
import type { TxnOp } from '../consul/txn.ts'
import { acquire } from '../lock/acquire.ts'
import type { AcquireOptions, HeldLock } from '../lock/acquire-options.ts'
import { Hold } from '../lock/hold.ts'
import { describeHolder, holderRecord, parseHolderRecord } from '../lock/holder-record.ts'
import type { Timing } from '../lock/lease-timing.ts'
import { keyOfName } from '../lock/lock-keys.ts'
import { lossIn } from '../lock/loss.ts'
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
 * Does work under the lock of a service's switches. A lock that is lost meanwhile is taken again, for the switch has
 * its plan in Consul: until then nothing can be proved, and so nothing is done. Rejects with a `conflict` failure when
 * somebody else is at it by then.
 */
export async function withSwitchLock<T>(
  ctx: Context,
  consul: Consul,
  service: string,
  who: Switcher,
  work: (ctx: Context, lock: SwitchLock) => Promise<T>,
): Promise<T> {
  const lock = new SwitchLock(consul, service, who)
  await lock.acquire(ctx)
  using kept = scope(ctx.signal)
  using working = scope(ctx.signal)
  const keeping = lock.keep(under(ctx, kept.signal)).catch((thrown: unknown) => working.passOn(thrown))
  try {
    return await work(under(ctx, working.signal), lock)
  } finally {
    kept.abort(OVER)
    await keeping
    await lock.release(ctx)
  }
}

const OVER = new AbortReason('the work is done')

/** The lock of the switches of a service. */
export class SwitchLock {
  readonly #consul: Consul
  readonly #service: string
  readonly #who: Switcher
  /** `undefined` while it has left us. */
  #held: HeldLock | undefined
  #back = Promise.withResolvers<void>()
  #turn = 0
  /** Tells sessions that were ours, one of which may hold the lock yet. */
  readonly #id = randomId()

  constructor(consul: Consul, service: string, who: Switcher) {
    this.#consul = consul
    this.#service = service
    this.#who = who
  }

  /**
   * A step that proves in a transaction that the lock is ours. Waits while it isn't; rejects with the signal's reason.
   */
  async proof(ctx: Context): Promise<TxnOp> {
    while (!this.#held) await unlessAborted(ctx.signal, this.#back.promise)
    const { key, sessionId: session } = this.#held
    return { verb: 'check-session', key, session }
  }

  /** Another number each time that the lock has left us, or has come back. */
  get turn(): number {
    return this.#turn
  }

  /** Takes the lock. Rejects with a `Failure`, which is `conflict` when somebody else has it. */
  async acquire(ctx: Context): Promise<void> {
    const retry = new Retry(this.#consul)
    this.#held = await retry.until(ctx, () => this.#contend(ctx))
    this.#turn += 1
    this.#back.resolve()
  }

  /** Takes it again whenever it is lost. Rejects as `take` does; settles when the signal aborts. */
  async keep(ctx: Context): Promise<void> {
    while (!ctx.signal.aborted && this.#held) {
      const held = this.#held
      const hold = new Hold(ctx, this.#consul, held)
      await Promise.race([aborted(hold.lost), aborted(ctx.signal)])
      await hold.end()
      if (ctx.signal.aborted) return
      this.#held = undefined
      this.#turn += 1
      this.#back = Promise.withResolvers()
      ctx.log.warn(`the lock of the switch was lost, and is taken again: ${lossIn(hold.lost).sentence}`)
      held.session.end()
      await this.acquire(quiet(ctx))
    }
  }

  async release(ctx: Context): Promise<void> {
    if (this.#held) await release(ctx, this.#consul, this.#held)
  }

  async #contend(ctx: Context): Promise<HeldLock> {
    const request = requestFor(`switchover/${this.#service}`, this.#id, this.#who)
    const start = ctx.clock.now()
    for (;;) {
      const held = await acquire(quiet(ctx), this.#consul, request)
      if (typeof held === 'object') return held
      const { entry } = await readKey(ctx, this.#consul, request.key, { consistent: true })
      if (entry?.session === undefined) continue
      const { host, pid, runId } = parseHolderRecord(entry.value)
      const diedHere = host === this.#who.host && pid !== undefined && !this.#who.isAlive(pid)
      if (diedHere || runId === this.#id) await destroySession(ctx, this.#consul, entry.session)
      else if (host === this.#who.host || ctx.clock.since(start) > PATIENCE_MS) {
        throw busy(ctx, this.#service, entry.value)
      }
      await sleep(ctx, POLL_MS)
    }
  }
}

function requestFor(name: string, runId: string, { host, pid, user, command }: Switcher): AcquireOptions {
  return {
    name,
    key: keyOfName(name),
    sessionName: `consul-locker ${name} ${randomId()}`,
    record: (nowMs) => holderRecord({ host, pid, user, command, runId }, TIMING, nowMs),
    timing: TIMING,
    once: true,
    ancestors: [],
    onSession: () => {},
  }
}

function busy(ctx: Context, service: string, record: string): Failure {
  const holder = describeHolder(record, ctx.clock.now().wallMs)
  return new Failure('conflict', `another switch of ${service} is under way: ${holder}`)
}
