import { scope } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { type Held, WAIT_OVER } from '../lock/contest.ts'
import type { Session } from '../lock/session.ts'
import { type Semaphore, type SlotContest, takeSlot, whyFull } from '../lock/slots.ts'
import type { Site } from './site.ts'

/** In an order that is the same on all hosts: two that wait for each other's slots would wait for ever. */
function semaphoresOf({ keys, file, role, host: owner }: Site): Semaphore[] {
  const ofRole = file.limits.roles[role]
  return [
    ...(ofRole === undefined ? [] : [{ name: `the role ${role}`, folder: keys.roleSlots(role), limit: ofRole, owner }]),
    { name: 'the cluster', folder: keys.clusterSlots, limit: file.limits.cluster, owner },
  ]
}

/**
 * Whether no slot is free now, which is told. Most hosts of a large fleet find no slot, minute after minute: that must
 * cost reads only, and no session.
 */
export async function isFull(ctx: Context, site: Site): Promise<boolean> {
  for (const semaphore of semaphoresOf(site)) {
    const why = await whyFull(ctx, site.consul, semaphore)
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
export async function takeAll(
  ctx: Context,
  site: Site,
  session: Session,
  contest: SlotContest,
): Promise<[Held, ...Held[]] | undefined> {
  const { consul, keys, file, host } = site
  const own = await takeSlot(
    ctx,
    consul,
    session,
    { name: `the turn of ${host}`, folder: keys.hostSlots(host), limit: 1, owner: host },
    { ...contest, once: true },
  )
  if (typeof own === 'string') return undefined
  using wait = scope(ctx.signal)
  const cancel = contest.once ? () => {} : ctx.clock.after(file.timeouts.slot, () => wait.abort(WAIT_OVER))
  const slots: [Held, ...Held[]] = [own]
  try {
    for (const semaphore of semaphoresOf(site)) {
      const got = await takeSlot(under(ctx, wait.signal), consul, session, semaphore, contest)
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
