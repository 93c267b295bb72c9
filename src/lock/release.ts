import { hedged, withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from '../consul/consul.ts'
import type { Entry } from '../consul/kv.ts'
import { Retry, type RetryPolicy } from '../consul/retry.ts'
import { destroySession } from '../consul/sessions.ts'
import type { HeldLock } from './acquire-options.ts'
import { type HeldKey, releaseKey } from './claim.ts'
import type { CompoundLock, RidingOf } from './compound-lock.ts'
import { withdrawOnBehalf } from './hand-off-note.ts'

/** So long may it take to leave without the lock while somebody waits for us; the session dies by itself afterwards. */
const CLEAN_UP_MS = 2000

/** For so long somebody else's lock is tried to be given back; most sessions have expired by then. */
export const ON_BEHALF_MS = 60_000

/** Somebody may be waiting for the lock, and is to have it within 2 s when Consul answers again. */
const LONGEST_PAUSE_MS = 1000
/** Without an answer by then we ask again, for the request may be lost; the first answer counts. */
const HEDGE_AFTER_MS = 3000

const LOCK_LEFT = (why: string) =>
  `the lock could not be given back in time (${why}); it is free when the session expires, at the latest`

/** Nobody waits for the end of this one: slow answers are heard to their end. */
const LEISURELY_CLEAN_UP_MS = 30_000

/**
 * Gives a lock back and destroys its session. It tries again until the lease would have ended anyway, and for as long
 * as a slow answer takes unless it has; then it warns. Settles with whether it is given back.
 */
export function release(ctx: Context, consul: Consul, held: Omit<HeldLock, 'fence'>): Promise<boolean> {
  const { session } = held
  session.end()
  const destroy = (ctx: Context) => session.destroy(ctx, consul)
  const give = releasing(consul, held)
  const leftMs = session.leaseLeftMs()
  return giveKeyBack(ctx, consul, give, destroy, leftMs > 0 ? Math.max(REQUEST_TIMEOUT_MS, leftMs) : CLEAN_UP_MS)
}

type Give = (ctx: Context) => Promise<boolean>

/** What gives a lock back, whatever it is, with what its riders add. */
function releasing(consul: Consul, { key, session, riders, compound, found, handOff }: GivenBack): Give {
  const ridingOf: RidingOf = async (ctx) => {
    for (const rider of riders) await rider.beforeReleasing?.(ctx, consul)
    return riders.flatMap((rider) => rider.releasing?.() ?? [])
  }
  if (compound) return (ctx) => compound.release(ctx, ridingOf)
  return async (ctx) => {
    const handing = handOff?.()
    if (handing) return handing.give(ctx, ridingOf)
    return releaseKey(ctx, consul, { key, sessionId: session.id }, await ridingOf(ctx), found)
  }
}

interface GivenBack extends Pick<HeldLock, 'key' | 'session' | 'riders' | 'compound' | 'handOff'> {
  /** The key as it was before a claim of which we don't know whether it had its effect: it goes back to that. */
  readonly found?: Pick<Entry, 'value' | 'flags'> | undefined
}

/**
 * Gives back what a dead runner held, or one that could not do so before it ended; `ridingOf` says what is done in the
 * same transaction. Who waited may be handed the lock at this very time, if that is done with it at all.
 */
export function releaseOnBehalf(
  ctx: Context,
  consul: Consul,
  held: HeldKey & { readonly mayBeHanded?: boolean },
  compound?: CompoundLock,
  ridingOf: RidingOf = async () => [],
): Promise<boolean> {
  const destroy = (ctx: Context) => destroySession(ctx, consul, held.sessionId)
  const give = async (ctx: Context) => {
    if (compound) return compound.release(ctx, ridingOf)
    const releases = async () => releaseKey(ctx, consul, held, await ridingOf(ctx))
    if ((await releases()) || !held.mayBeHanded) return true
    // From now on it is handed nothing, for its session is about to end.
    await withdrawOnBehalf(ctx, consul, held).catch(unlessRefused)
    return releases()
  }
  return giveKeyBack(ctx, consul, give, destroy, ON_BEHALF_MS)
}

function giveKeyBack(
  ctx: Context,
  consul: Consul,
  give: Give,
  destroy: (ctx: Context) => Promise<void>,
  withinMs: number,
): Promise<boolean> {
  return giveBack(ctx, consul, withinMs, LOCK_LEFT, async (ctx, retrying) => {
    // Release first: destroying a session that still holds costs the next holder the lock-delay.
    await retrying(ctx, () => hedged(ctx, HEDGE_AFTER_MS, give))
    ctx.log.mark('lock released')
    await retrying(ctx, () => hedged(ctx, HEDGE_AFTER_MS, destroy))
    ctx.log.mark('session destroyed')
  })
}

/**
 * Gives back what a session holds, as `give` does it, with its failures tried again for `withinMs` milliseconds; then
 * it warns, in the words of `left`. Settles with whether it is given back.
 */
export async function giveBack(
  ctx: Context,
  consul: Consul,
  withinMs: number,
  left: (why: string) => string,
  give: (ctx: Context, retrying: RetryPolicy) => Promise<void>,
): Promise<boolean> {
  // There is a session, so it is Consul; silence is an outage.
  consul.confirmed = true
  const retry = new Retry(consul, { longestPauseMs: LONGEST_PAUSE_MS })
  try {
    await withDeadline(ctx, withinMs, (ctx) => give(ctx, (ctx, task) => retry.until(ctx, task)))
    return true
  } catch (thrown) {
    ctx.log.warn(left(messageOf(thrown)))
    return false
  }
}

/** How one leaves without the lock: from when on nobody hands it to us, and the line itself. */
export interface QueueCleanUp {
  readonly withdraw: (ctx: Context) => Promise<void>
  readonly leaveQueue: (ctx: Context) => Promise<void>
}

/**
 * Leaves nothing at Consul of a try that didn't get the lock, or may have got it without learning of it. Silent,
 * and short when somebody waits for it: its session dies by itself.
 */
export async function cleanUpAcquisition(
  ctx: Context,
  consul: Consul,
  held: GivenBack,
  { withdraw, leaveQueue }: QueueCleanUp,
  isHurried: boolean,
): Promise<void> {
  const { session } = held
  session.end()
  const give = releasing(consul, held)
  try {
    await withDeadline(ctx, isHurried ? CLEAN_UP_MS : LEISURELY_CLEAN_UP_MS, async (ctx) => {
      await withdraw(ctx).catch(unlessRefused)
      await give(ctx).catch(unlessRefused)
      await leaveQueue(ctx)
      await session.destroy(ctx, consul)
    })
  } catch (thrown) {
    ctx.log.debug(`the session ${session.id} could not be destroyed: ${messageOf(thrown)}`)
  }
}

/** A key that we may not touch we don't hold; the session is still ours to destroy. */
function unlessRefused(thrown: unknown): void {
  if (!(thrown instanceof Failure) || thrown.code !== 'refused') throw thrown
}
