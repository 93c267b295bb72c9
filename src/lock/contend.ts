import { aborted, firstOf, lingering, sleep } from '../base/abort.ts'
import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import { Retry } from '../consul/retry.ts'
import { type Claim, claim, type Stake } from './claim.ts'
import type { Timing } from './deadline.ts'
import { SEMAPHORE_FLAGS } from './keys.ts'
import { lockDelayOf } from './record.ts'
import { clearAway } from './release.ts'
import { Session } from './session.ts'
import { WaitingLine } from './waiting-line.ts'

/** What somebody contends for, and how. */
export interface Contest {
  /** The lock's name, for people. */
  readonly name: string
  readonly key: string
  readonly sessionName: string
  /** The holder record of who gets the lock now, ready to be stored. */
  readonly record: (nowMs: number) => string
  readonly timing: Timing
  /** Gives up at once when the lock isn't free, and at the first trouble. */
  readonly once: boolean
  /** Sessions of the runs around this one: a lock that one of these holds will never be free for us. */
  readonly ancestors: readonly string[]
  /** Hears of each session that may come to hold the lock, before it can. */
  readonly onSession: (id: string) => void
}

/** A lock that is ours. */
export interface Held {
  readonly session: Session
  readonly stake: Stake
  readonly fence: number
}

/** The reason of a signal that ends a wait because its time is over. */
export const WAIT_OVER = Symbol('the time to wait is over')

const LONG_POLL_MS = 30_000
const LINGER_MS = 1000
/** Between two tries while Consul keeps the lock closed and we don't know since when. */
const LOCK_DELAY_RETRY_MS = 1000
/** A lease with a smaller part of its TTL left is renewed before the command starts. */
const ENOUGH = 1 / 4

/**
 * Waits for the lock. Settles with it, or with `'busy'` when it wasn't free for a contest that tries once or whose
 * wait is over. Rejects with a `Failure`, or with the signal's reason; then nothing of ours is left at Consul, as far
 * as that can be reached.
 */
export async function contend(ctx: Context, consul: Consul, contest: Contest): Promise<Held | 'busy'> {
  const retry = new Retry(consul)
  const persist: Persist = (ctx, task) => (contest.once ? task() : retry.until(ctx, task))
  try {
    for (;;) {
      const session = await persist(ctx, () =>
        lingering(ctx, LINGER_MS, (ctx) => Session.open(ctx, consul, contest.sessionName, contest.timing)),
      )
      contest.onSession(session.id)
      const result = await new Contender(ctx, consul, contest, session, persist).contend()
      if (result !== 'session-gone') return result
      ctx.log.debug('the session expired while waiting; making another')
    }
  } catch (thrown) {
    if (thrown !== WAIT_OVER) throw thrown
    if (retry.trouble) throw retry.trouble
    return 'busy'
  }
}

/** Does a task, and again if the contest allows it and trouble passes. */
type Persist = <T>(ctx: Context, task: () => Promise<T>) => Promise<T>

class Contender {
  readonly #ctx: Context
  readonly #consul: Consul
  readonly #contest: Contest
  readonly #session: Session
  #stake: Stake
  readonly #persist: Persist
  readonly #line: WaitingLine
  /** When we saw the last holder's session vanish from the key, Consul keeps the lock closed from then on. */
  #closedFor: { readonly since: Instant; readonly ms: number } | undefined

  constructor(ctx: Context, consul: Consul, contest: Contest, session: Session, persist: Persist) {
    this.#ctx = ctx
    this.#consul = consul
    this.#contest = contest
    this.#session = session
    this.#stake = this.#newStake()
    this.#persist = persist
    this.#line = new WaitingLine(ctx, contest.name)
  }

  /** Clears away the session, and a lock that it may have got, unless it settles with the lock. */
  async contend(): Promise<Held | 'busy' | 'session-gone'> {
    let result: Held | 'busy' | 'session-gone' = 'busy'
    try {
      result = await this.#untilDecided()
    } finally {
      if (typeof result === 'string') await clearAway(this.#ctx, this.#consul, this.#session, this.#stake)
    }
    return result
  }

  async #untilDecided(): Promise<Held | 'busy' | 'session-gone'> {
    for (;;) {
      const got = await this.#try()
      if (got.kind === 'session-gone') return 'session-gone'
      if (got.kind === 'held') {
        this.#ctx.signal.throwIfAborted()
        if (this.#hasTime()) return { session: this.#session, stake: this.#stake, fence: got.fence }
        // Renewing may take long, and the lock may leave us meanwhile: it is claimed anew afterwards.
        await this.#persist(this.#ctx, () => this.#session.renew(this.#ctx, this.#consul))
        if (this.#session.gone.aborted) return 'session-gone'
        continue
      }
      if (this.#contest.once) return this.#giveWay(got.kind)
      if (!(await this.#untilWorthATry(got.kind))) return 'session-gone'
    }
  }

  #try(): Promise<Claim> {
    this.#stake = this.#newStake()
    return this.#persist(this.#ctx, () =>
      lingering(this.#ctx, LINGER_MS, (ctx) => claim(ctx, this.#consul, this.#stake)),
    )
  }

  #newStake(): Stake {
    const { key, record } = this.#contest
    return { key, value: record(this.#ctx.clock.now().wallMs), sessionId: this.#session.id }
  }

  /** Whether the lease leaves enough time to start a command. */
  #hasTime(): boolean {
    return this.#session.leaseLeftMs() > this.#contest.timing.ttlMs * ENOUGH
  }

  async #giveWay(why: 'taken' | 'lock-delay'): Promise<'busy'> {
    const { entry } = await readKey(this.#ctx, this.#consul, this.#contest.key)
    if (entry) this.#inspect(entry)
    this.#line.giveWay(why === 'taken' ? entry : undefined)
    return 'busy'
  }

  /** Waits until the lock may be free; `false` when our session is gone by then. */
  async #untilWorthATry(why: 'taken' | 'lock-delay'): Promise<boolean> {
    const wait = why === 'taken' ? this.#untilLetGo : this.#untilOpened
    await firstOf(this.#ctx, [(ctx) => wait.call(this, ctx), (ctx) => goneOr(ctx, this.#session)])
    return !this.#session.gone.aborted
  }

  async #untilLetGo(ctx: Context): Promise<void> {
    let index = 0
    let holder: Entry | undefined
    for (;;) {
      const reading = await this.#persist(ctx, () => {
        const options = { index, waitMs: LONG_POLL_MS }
        index = 0 // What is tried again begins anew: an index may belong to a past that was undone.
        return readKey(ctx, this.#consul, this.#contest.key, options)
      })
      // Our own: an older state that was restored, or a claim that we took for refused. Trying again tells.
      if (reading.entry?.session === this.#session.id) return
      if (!reading.entry?.session) {
        this.#closedFor = holder && { since: ctx.clock.now(), ms: lockDelayOf(holder.value) }
        return
      }
      holder = reading.entry
      index = reading.index
      this.#inspect(holder)
      this.#line.heldBy(holder)
    }
  }

  /** Nothing wakes a waiter at the end of a lock-delay, and Consul doesn't say when it began. */
  async #untilOpened(ctx: Context): Promise<void> {
    this.#line.closed()
    const known = this.#closedFor
    this.#closedFor = undefined
    const leftMs = known ? known.ms - ctx.clock.since(known.since) : 0
    await sleep(ctx, Math.max(leftMs, LOCK_DELAY_RETRY_MS * (0.5 + ctx.random() / 2)))
  }

  #inspect(holder: Entry): void {
    const { key, name, ancestors } = this.#contest
    if (holder.flags === SEMAPHORE_FLAGS) {
      throw new Failure('rejected', `the key ${key} belongs to a semaphore, not to a lock`, {
        hint: 'lock another name, or another --key',
      })
    }
    if (holder.session !== undefined && ancestors.includes(holder.session)) {
      throw new Failure('usage', `${name} is already held by the run around this one: waiting would never end`, {
        hint: 'run the command without a second lock, or lock another name',
      })
    }
  }
}

async function goneOr(ctx: Context, session: Session): Promise<void> {
  await Promise.race([aborted(session.gone), aborted(ctx.signal)])
}
