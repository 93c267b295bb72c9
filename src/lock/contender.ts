import { aborted, firstOf, lingering, sleep } from '../base/abort.ts'
import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { ATTEMPT_MS, type Consul } from '../consul/consul.ts'
import { type Entry, type Reading, readKey } from '../consul/kv.ts'
import { type Claim, claim, type Stake } from './claim.ts'
import { type Contest, type Held, LINGER_MS, type Persist, WAIT_OVER } from './contest.ts'
import { LOCK_DELAY_MAX_MS } from './deadline.ts'
import { checkIsLock } from './keys.ts'
import { Line, passable } from './line.ts'
import { lockDelayOf } from './record.ts'
import { clearAway } from './release.ts'
import type { Session } from './session.ts'
import { WaitingLine } from './waiting-line.ts'

/** Everybody in line waits for who is next: a wake-up that an election swallowed must not cost a whole long poll. */
const LONG_POLL_MS = 10_000
/** Between two tries while Consul keeps the lock closed and we don't know since when. */
const LOCK_DELAY_RETRY_MS = 1000
/** Who tries once gives those in line so long to take a free lock, and looks so often whether they have. */
const COURTESY_MS = 1000
const COURTESY_LOOK_MS = 100
/** A lease with a smaller part of its TTL left is renewed before the command starts. */
const ENOUGH = 1 / 4

type Decision = Held | 'busy' | 'session-gone'

/** One session's way to the lock. */
export class Contender {
  readonly #ctx: Context
  readonly #consul: Consul
  readonly #contest: Contest
  readonly #session: Session
  readonly #persist: Persist
  readonly #line: Line
  readonly #waiting: WaitingLine
  #stake: Stake
  /** The key as we saw it last; at first we hope that it isn't there. */
  #seen: Reading = { entry: undefined, index: 0 }
  /** We hold it, whatever was seen before. */
  #isOurs = false
  /** When we saw the last holder's session vanish from the key; Consul keeps the lock closed from then on. */
  #closedFor: { readonly since: Instant; readonly ms: number } | undefined

  constructor(ctx: Context, consul: Consul, contest: Contest, session: Session, persist: Persist) {
    this.#ctx = ctx
    this.#consul = consul
    this.#contest = contest
    this.#session = session
    this.#persist = persist
    this.#waiting = new WaitingLine(ctx, contest.name)
    this.#line = new Line(consul, contest.key, session.id, persist)
    this.#stake = this.#newStake()
  }

  /** Clears away the session, and what it may have got, unless it settles with the lock. */
  async contend(): Promise<Decision> {
    const { signal } = this.#ctx
    let decision: Decision | undefined
    try {
      await this.#contest.onSession(this.#session.id)
      decision = await this.#untilDecided()
    } finally {
      if (typeof decision !== 'object') {
        const isHurried = signal.aborted ? signal.reason !== WAIT_OVER : decision === undefined
        const leaveLine = (ctx: Context) => this.#line.leave(ctx)
        await clearAway(this.#ctx, this.#consul, this.#session, this.#stake, leaveLine, isHurried)
      }
    }
    return decision
  }

  async #untilDecided(): Promise<Decision> {
    for (let isLate = false; ; ) {
      const got = isLate ? await this.#tryRenewed() : await this.#try()
      if (got.kind === 'session-gone') return 'session-gone'
      isLate = false
      if (got.kind === 'held') {
        // Claiming it again must not fail for what happened to the line since.
        this.#isOurs = true
        this.#line.through()
        this.#ctx.signal.throwIfAborted()
        this.#ctx.log.mark('lock obtained')
        if (this.#hasTime()) return { session: this.#session, stake: this.#stake, fence: got.fence }
        isLate = true
      } else if (got.kind === 'changed') {
        await this.#read(this.#ctx, 0)
      } else if (!this.#contest.once) {
        if (!(await this.#untilWorthATry(got.kind))) return 'session-gone'
      } else if (got.kind !== 'in-line' || !(await this.#isLineIdle(this.#ctx))) {
        return this.#giveWay(got.kind)
      }
    }
  }

  #try(): Promise<Claim> {
    this.#stake = this.#newStake()
    const seen = this.#isOurs ? 'ours' : this.#seen.entry
    return this.#line.withSteps(this.#ctx, (steps) =>
      this.#persist(this.#ctx, () =>
        lingering(this.#ctx, LINGER_MS, (ctx) => claim(ctx, this.#consul, this.#stake, seen, steps)),
      ),
    )
  }

  /**
   * Renews the session and claims the lock anew, for it may leave us meanwhile. Both at once: where answers take long,
   * one after the other would never leave enough of the lease.
   */
  async #tryRenewed(): Promise<Claim> {
    const renew = () => this.#session.renew(this.#ctx, this.#consul, ATTEMPT_MS)
    const [renewed, got] = await Promise.allSettled([this.#persist(this.#ctx, renew), this.#try()])
    if (renewed.status === 'rejected') throw renewed.reason
    if (got.status === 'rejected') throw got.reason
    return this.#session.gone.aborted ? { kind: 'session-gone' } : got.value
  }

  #newStake(): Stake {
    const { key, record } = this.#contest
    return { key, value: record(this.#ctx.clock.now().wallMs), sessionId: this.#session.id }
  }

  /** Whether the lease leaves enough time to start a command. */
  #hasTime(): boolean {
    return this.#session.leaseLeftMs() > this.#contest.timing.ttlMs * ENOUGH
  }

  async #giveWay(why: 'taken' | 'lock-delay' | 'in-line'): Promise<'busy'> {
    const { entry } = await this.#read(this.#ctx, 0)
    if (entry) this.#inspect(entry)
    this.#waiting.giveWay(why, entry, this.#closedForMs(entry))
    return 'busy'
  }

  /** Whether those in line are gone, or leave a free lock alone. */
  async #isLineIdle(ctx: Context): Promise<boolean> {
    if (await this.#line.isAbandoned(ctx)) return true
    for (const start = ctx.clock.now(); ctx.clock.since(start) < COURTESY_MS; ) {
      const { entry } = await this.#read(ctx, 0)
      if (entry?.session !== undefined) return false
      await sleep(ctx, COURTESY_LOOK_MS)
    }
    this.#line.goPast()
    return true
  }

  /** Waits until the lock may be free and it's our turn; `false` when our session is gone by then. */
  async #untilWorthATry(why: 'taken' | 'lock-delay' | 'in-line'): Promise<boolean> {
    const wait = async (ctx: Context) => {
      if (!(await this.#untilOurTurn(ctx))) return
      if (why === 'lock-delay') await this.#untilOpened(ctx)
      else await this.#untilLetGo(ctx)
    }
    const gone = async (ctx: Context) => {
      await Promise.race([aborted(this.#session.gone), aborted(ctx.signal)])
    }
    await firstOf(this.#ctx, [wait, gone])
    return !this.#session.gone.aborted
  }

  /** `false` when it isn't our turn, but the lock is ours already, or those before us don't take it. */
  async #untilOurTurn(ctx: Context): Promise<boolean> {
    let idleSince: Instant | undefined
    for (;;) {
      const { entry } = await this.#read(ctx, 0)
      if (entry?.session === this.#session.id) {
        // A claim had its effect, and its reply was lost.
        this.#line.through()
        return false
      }
      const ahead = await this.#line.ahead(ctx, entry?.session)
      if (ahead === 0) return true
      const isFree = entry?.session === undefined
      if (!isFree) idleSince = undefined
      else if (idleSince && ahead <= passable(ctx.clock.since(idleSince))) return false
      if (entry) this.#inspect(entry)
      this.#waiting.inLine(ahead, entry)
      const seenAt = ctx.clock.now()
      if (await this.#line.untilCloser(ctx, isFree)) idleSince = undefined
      else if (isFree) idleSince ??= seenAt
    }
  }

  async #untilLetGo(ctx: Context): Promise<void> {
    let holder: Entry | undefined
    for (;;) {
      const { entry, index } = this.#seen
      // Our own: an older state that was restored, or a claim that we took for refused. Trying again tells.
      if (entry?.session === this.#session.id) return
      if (!entry?.session) {
        this.#closedFor = holder && { since: ctx.clock.now(), ms: lockDelayOf(holder.value) }
        return
      }
      holder = entry
      this.#inspect(holder)
      this.#waiting.heldBy(holder)
      await this.#read(ctx, index)
    }
  }

  async #read(ctx: Context, index: number): Promise<Reading> {
    let from = index
    this.#isOurs = false
    this.#seen = await this.#persist(ctx, () => {
      const options = { index: from, waitMs: LONG_POLL_MS }
      from = 0 // What is tried again begins anew: an index may belong to a past that was undone.
      return readKey(ctx, this.#consul, this.#contest.key, options)
    })
    return this.#seen
  }

  /** Nothing wakes a waiter at the end of a lock-delay, and Consul doesn't say when it began. */
  async #untilOpened(ctx: Context): Promise<void> {
    const known = this.#closedFor
    this.#closedFor = undefined
    const leftMs = known ? known.ms - ctx.clock.since(known.since) : 0
    this.#waiting.closed(leftMs > 0 ? leftMs : this.#closedForMs(this.#seen.entry))
    await sleep(ctx, Math.max(leftMs, LOCK_DELAY_RETRY_MS * (0.5 + ctx.random() / 2)))
  }

  /** The lock-delay of who was cut off, as far as its record tells. */
  #closedForMs(entry: Entry | undefined): number {
    const told = entry ? lockDelayOf(entry.value) : 0
    return told > 0 && told < LOCK_DELAY_MAX_MS ? told : LOCK_DELAY_MAX_MS
  }

  #inspect(holder: Entry): void {
    const { name, ancestors } = this.#contest
    checkIsLock(holder)
    if (holder.session !== undefined && ancestors.includes(holder.session)) {
      throw new Failure('usage', `${name} is already held by the run around this one: waiting would never end`, {
        hint: 'run the command without a second lock, or lock another name',
      })
    }
  }
}
