import { unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import type { Guardian } from '../child/guardian.ts'
import type { KvStep } from '../consul/txn.ts'
import type { Held } from '../lock/contest.ts'
import { planTiming } from '../lock/deadline.ts'
import { Hold } from '../lock/hold.ts'
import { type Loss, unguarded } from '../lock/loss.ts'
import { Opening } from '../lock/opening.ts'
import type { HolderRecord } from '../lock/record.ts'
import { reserveStep } from '../lock/reservation.ts'
import type { Session } from '../lock/session.ts'
import { leaveSlots } from '../lock/slots.ts'
import type { Site } from './site.ts'
import { isFull, takeAll } from './turn-slots.ts'

const FAREWELL_MS = 2000

/**
 * An upgrade may have the agent restarted, and should survive that: Consul may be away for 20 s, from just before a
 * renewal on, and answer to the second one. The session depends on no check, for its agent's (serfHealth) fails after a
 * few seconds.
 */
const TIMING = { ttlMs: 35_000, renewMs: 5000 }
const NO_CHECKS: readonly string[] = []

/** The time in which this host may be changed: it holds its own slot, one of its role's and one of the cluster's. */
export class Turn {
  readonly session: Session
  readonly guardian: Guardian
  readonly graceMs: number
  /** The key that proves that the turn is still ours. */
  readonly key: string
  readonly #site: Site
  readonly #holds: readonly Hold[]
  readonly #keys: readonly string[]
  readonly #lost = new AbortController()

  private constructor(
    ctx: Context,
    site: Site,
    slots: readonly [Held, ...Held[]],
    guardian: Guardian,
    graceMs: number,
  ) {
    const [own] = slots
    this.#site = site
    this.session = own.session
    this.key = own.stake.key
    this.guardian = guardian
    this.graceMs = graceMs
    this.#holds = slots.map((slot) => new Hold(ctx, site.consul, slot))
    this.#keys = slots.map(({ stake }) => stake.key)
    for (const hold of this.#holds) this.#endWith(hold.lost, () => hold.lost.reason)
    this.#endWith(guardian.failed, () => unguarded(guardian.failed))
  }

  #endWith(signal: AbortSignal, loss: () => Loss): void {
    if (signal.aborted) this.#lost.abort(loss())
    else signal.addEventListener('abort', () => this.#lost.abort(loss()), { once: true })
  }

  /** Aborts when a slot is lost or must be treated so; the reason is a `Loss`. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /**
   * Takes the slots, waiting for them as long as the rollout's file allows; `undefined` when they aren't free. Rejects
   * with a `Failure` or the signal's reason. Then, and for `undefined`, nothing of ours is left at Consul.
   */
  static async take(ctx: Context, site: Site, runId: string, command: readonly string[]): Promise<Turn | undefined> {
    const { consul, keys, file } = site
    const once = file.timeouts.slot === 0
    if (once && (await isFull(ctx, site))) return undefined
    const timing = planTiming(TIMING)
    const guardian = site.startGuardian(ctx, keys.slots, timing.graceMs)
    const record = (nowMs: number) => {
      const since = new Date(nowMs).toISOString()
      const holder: HolderRecord = { ...site.self, command, since, runId, lockDelayMs: timing.lockDelayMs }
      return JSON.stringify(holder)
    }
    const name = `consul-locker rollout ${site.host} ${runId}`
    const opening = new Opening(consul, { name, timing, checks: NO_CHECKS })
    let session: Session | undefined
    let turn: Turn | undefined
    try {
      session = await opening.open(ctx)
      guardian.answerFor(session.id)
      await unlessAborted(ctx.signal, guardian.ready())
      const slots = await takeAll(ctx, site, session, { timing, record, once })
      if (slots) turn = new Turn(ctx, site, slots, guardian, timing.graceMs)
      return turn
    } finally {
      if (!turn) {
        session?.end()
        if (!session) await opening.abandon(ctx)
        const isBack = !session || (await leaveSlots(ctx, consul, keys.slots, session.id, FAREWELL_MS))
        if (isBack) guardian.dismiss()
        else guardian.linger()
      }
    }
  }

  /**
   * The steps that keep the slots for this host beyond the end of this turn. From now on nothing is a loss: what else
   * keeps them apart must stand in the same transaction.
   */
  stepsToKeep(nowMs: number): KvStep[] {
    for (const hold of this.#holds) hold.expectEnd()
    const { host } = this.#site
    const record = { host, command: ['reboot'], since: new Date(nowMs).toISOString() }
    return this.#keys.map((key) => reserveStep(key, this.session.id, host, record))
  }

  /** Gives the slots back, unless something of ours may still run: then they are left to expire. */
  async end(ctx: Context, isQuiet: boolean): Promise<void> {
    const { consul, keys } = this.#site
    this.session.onRenewed(() => {})
    if (isQuiet) this.guardian.disarm()
    for (const hold of this.#holds) await hold.end()
    this.session.end()
    if (!isQuiet) return
    const withinMs = Math.max(FAREWELL_MS, this.session.leaseLeftMs())
    if (await leaveSlots(ctx, consul, keys.slots, this.session.id, withinMs)) this.guardian.dismiss()
    else this.guardian.linger()
  }
}
