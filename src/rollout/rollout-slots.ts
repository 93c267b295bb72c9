import { scope } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { WAIT_OVER } from '../lock/acquire-options.ts'
import type { Session } from '../lock/session.ts'
import { acquireSlot, type HeldSlot, type SlotLocks, type SlotOptions, whyFull } from '../lock/slot-locks.ts'
import type { SlotLimits } from './host-facts.ts'
import type { HostRollout } from './host-rollout.ts'

/** In an order that is the same on all hosts: two that wait for each other's slots would wait for ever. */
function slotLocksOf({ keys, role, host: owner }: HostRollout, limits: SlotLimits): SlotLocks[] {
  const ofRole = limits.role
  return [
    ...(ofRole === undefined ? [] : [{ name: `the role ${role}`, folder: keys.roleSlots(role), limit: ofRole, owner }]),
    { name: 'the cluster', folder: keys.clusterSlots, limit: limits.cluster, owner },
  ]
}

/**
 * Whether no slot is free now, which is told. Most hosts of a large fleet find no slot, minute after minute: that must
 * cost reads only, and no session.
 */
export async function areSlotsTaken(ctx: Context, rollout: HostRollout, limits: SlotLimits): Promise<boolean> {
  for (const locks of slotLocksOf(rollout, limits)) {
    const why = await whyFull(ctx, rollout.consul, locks)
    if (why === undefined) continue
    ctx.log.notice(why)
    return true
  }
  return false
}

/**
 * Takes the host's own slot, its role's and the cluster's, in this order; waits as long as the rollout's file allows.
 * `undefined` when they aren't all free: what was taken is the caller's to give back. Rejects with a `Failure` or the
 * signal's reason, with the same duty.
 */
export async function takeRolloutSlots(
  ctx: Context,
  rollout: HostRollout,
  limits: SlotLimits,
  session: Session,
  options: SlotOptions,
): Promise<[HeldSlot, ...HeldSlot[]] | undefined> {
  const { consul, keys, file, host } = rollout
  const own = await acquireSlot(
    ctx,
    consul,
    session,
    { name: `the turn of ${host}`, folder: keys.hostSlots(host), limit: 1, owner: host },
    { ...options, once: true },
  )
  if (typeof own === 'string') return undefined
  using wait = scope(ctx.signal)
  const cancel = options.once ? () => {} : ctx.clock.after(file.timeouts.slot, () => wait.abort(WAIT_OVER))
  const slots: [HeldSlot, ...HeldSlot[]] = [own]
  try {
    for (const locks of slotLocksOf(rollout, limits)) {
      const got = await acquireSlot(under(ctx, wait.signal), consul, session, locks, options)
      if (typeof got === 'string') return undefined
      slots.push(got)
    }
    return slots
  } catch (thrown) {
    if (thrown !== WAIT_OVER) throw thrown
    return undefined
  } finally {
    cancel()
  }
}
