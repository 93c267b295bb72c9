import assert from 'node:assert'
import { aborted, unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import type { Guardian } from '../child/guardian.ts'
import type { TxnOp } from '../consul/txn.ts'
import { Hold } from '../lock/hold.ts'
import { holderRecord } from '../lock/holder-record.ts'
import { planTiming } from '../lock/lease-timing.ts'
import { unguarded, whenLost } from '../lock/loss.ts'
import { ownSteps, reserveStep } from '../lock/reservation.ts'
import type { Session } from '../lock/session.ts'
import { SessionCreation } from '../lock/session-creation.ts'
import { type HeldSlot, releaseSlots } from '../lock/slot-locks.ts'
import type { SlotLimits } from './host-facts.ts'
import type { HostRollout } from './host-rollout.ts'
import { areSlotsTaken, takeRolloutSlots } from './rollout-slots.ts'

const RELEASE_MS = 2000

/**
 * An upgrade may have the agent restarted, and should survive that: Consul may be away for 20 s, from just before a
 * renewal on, and answer to the second one. The session depends on no check, for its agent's (serfHealth) fails after a
 * few seconds.
 */
const TIMING = { ttlMs: 35_000, renewMs: 5000 }
const NO_CHECKS: readonly string[] = []

/**
 * That this host may be changed now: it holds its own slot, one of its role's and one of the cluster's.
 *
 * Slots that were kept for the host, which was to reboot, stay kept until the first word of how it is stands at Consul
 * (`stepsToOwn`). Before that all others wait for it, and count no failure; after it, a host without slots has failed.
 * So however it ends, the host has its place or stops the others:
 *
 * | it ends | before that word | after it |
 * |---|---|---|
 * | slots not free, a reply lost, interrupted, no longer to be upgraded | kept as found, no session left | given back |
 * | killed, and the guardian acts | the same | given back |
 * | session lost, or left to expire | kept as found, after the lock-delay | free after the lock-delay |
 * | about to reboot | | kept anew |
 */
export class UpgradePermit {
  readonly session: Session
  readonly guardian: Guardian
  readonly graceMs: number
  /** The key that proves that the permit is still ours. */
  readonly key: string
  readonly #rollout: HostRollout
  readonly #holds: readonly Hold[]
  readonly #slots: readonly HeldSlot[]
  readonly #lost = new AbortController()

  private constructor(
    ctx: Context,
    rollout: HostRollout,
    slots: readonly [HeldSlot, ...HeldSlot[]],
    guardian: Guardian,
    graceMs: number,
  ) {
    const [own] = slots
    assert(
      slots.every(({ session }) => session === own.session),
      'what proves that one slot is ours, and gives it back, does so for all',
    )
    this.#rollout = rollout
    this.session = own.session
    this.key = own.key
    this.guardian = guardian
    this.graceMs = graceMs
    this.#holds = slots.map((slot) => new Hold(ctx, rollout.consul, slot))
    this.#slots = slots
    for (const hold of this.#holds) whenLost(hold.lost, (loss) => this.#lost.abort(loss))
    aborted(guardian.failed).then(() => this.#lost.abort(unguarded(guardian.failed)))
  }

  /** Aborts when a slot is lost or must be treated so; the reason is a `Loss`. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /**
   * Takes the slots, waiting for them as long as the rollout's file allows; `undefined` when they aren't free. Rejects
   * with a `Failure` or the signal's reason. Then, and for `undefined`, nothing of ours is left at Consul but what was
   * kept for this host before.
   */
  static async take(
    ctx: Context,
    rollout: HostRollout,
    limits: SlotLimits,
    runId: string,
    command: readonly string[],
  ): Promise<UpgradePermit | undefined> {
    const { consul, keys, file } = rollout
    const once = file.timeouts.slot === 0
    if (once && (await areSlotsTaken(ctx, rollout, limits))) return undefined
    const timing = planTiming(TIMING)
    const guardian = rollout.startGuardian(ctx, keys.slots, timing.graceMs)
    const record = (nowMs: number) => holderRecord({ ...rollout.self, command, runId }, timing, nowMs)
    const name = `consul-locker rollout ${rollout.host} ${runId}`
    const opening = new SessionCreation(consul, { name, timing, checks: NO_CHECKS })
    let session: Session | undefined
    let permit: UpgradePermit | undefined
    try {
      session = await opening.attempt(ctx)
      guardian.setSession(session.id)
      await unlessAborted(ctx.signal, guardian.ready())
      const slots = await takeRolloutSlots(ctx, rollout, limits, session, { timing, record, once })
      if (slots) permit = new UpgradePermit(ctx, rollout, slots, guardian, timing.graceMs)
      return permit
    } finally {
      if (!permit) {
        session?.end()
        if (!session) await opening.abandon(ctx)
        const isBack = !session || (await releaseSlots(ctx, consul, keys.slots, session.id, RELEASE_MS))
        if (isBack) guardian.dismiss()
        else guardian.handOver()
      }
    }
  }

  /** The steps that end the reservation of slots that were kept for this host, in one with what tells how it is. */
  stepsToOwn(): TxnOp[] {
    return this.#slots.filter(({ wasKept }) => wasKept).flatMap(ownSteps)
  }

  /**
   * The steps that keep the slots for this host beyond the end of this permit. From now on nothing is a loss: what else
   * keeps them apart must stand in the same transaction.
   */
  stepsToKeep(nowMs: number): TxnOp[] {
    for (const hold of this.#holds) hold.expectEnd()
    const { host } = this.#rollout
    const record = { host, command: ['reboot'], since: new Date(nowMs).toISOString() }
    return this.#slots.map(({ key }) => reserveStep(key, this.session.id, host, record))
  }

  /** Gives the slots back, unless something of ours may still run: then they are left to expire. */
  async end(ctx: Context, isQuiet: boolean): Promise<void> {
    const { consul, keys } = this.#rollout
    this.session.onRenewed(() => {})
    if (isQuiet) this.guardian.disarm()
    for (const hold of this.#holds) await hold.end()
    this.session.end()
    if (!isQuiet) return
    const withinMs = Math.max(RELEASE_MS, this.session.leaseLeftMs())
    if (await releaseSlots(ctx, consul, keys.slots, this.session.id, withinMs)) this.guardian.dismiss()
    else this.guardian.handOver()
  }
}
