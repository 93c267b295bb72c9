import { insistently, withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { ATTEMPT_MS, type Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import { destroySession } from '../consul/sessions.ts'
import { giveUp, type Stake } from './claim.ts'
import type { Session } from './session.ts'

/** A loser's farewell may take this long; its session dies by itself afterwards. */
const FAREWELL_MS = 2000

/** For so long somebody else's lock is tried to be given back; most sessions have expired by then. */
export const HEIR_MS = 60_000

/** Somebody may be waiting for the lock: he shall have it within 2 s when Consul answers again. */
const LONGEST_PAUSE_MS = 1000
/** Who doesn't hear soon asks again, for the request may be lost; the first answer counts. */
const INSISTENCE_MS = 3000

/** Nobody waits for the end of this one: slow answers are heard to their end. */
const LEISURELY_FAREWELL_MS = 30_000

/** What is to be given back: a key, if this session holds it, and the session. */
type Estate = Pick<Stake, 'key' | 'sessionId'>

/**
 * Gives a lock back and destroys its session. It tries again until the lease would have ended anyway, and for as long as
 * a slow answer takes unless it has; then it warns. Settles with whether it is given back.
 */
export function release(ctx: Context, consul: Consul, session: Session, stake: Stake): Promise<boolean> {
  session.end()
  const destroy = (ctx: Context) => session.destroy(ctx, consul)
  const leftMs = session.leaseLeftMs()
  return giveBack(ctx, consul, stake, destroy, leftMs > 0 ? Math.max(ATTEMPT_MS, leftMs) : FAREWELL_MS)
}

/** Gives back what a dead runner held, or one that could not do so before it ended. */
export function releaseFor(ctx: Context, consul: Consul, estate: Estate): Promise<boolean> {
  const destroy = (ctx: Context) => destroySession(ctx, consul, estate.sessionId)
  return giveBack(ctx, consul, estate, destroy, HEIR_MS)
}

// Release first: destroying a session that still holds costs the next holder the lock-delay.
async function giveBack(
  ctx: Context,
  consul: Consul,
  estate: Estate,
  destroy: (ctx: Context) => Promise<void>,
  withinMs: number,
): Promise<boolean> {
  // There is a session, so it is Consul; silence is an outage.
  consul.heard = true
  try {
    await withDeadline(ctx, withinMs, async (ctx) => {
      const retry = new Retry(consul, LONGEST_PAUSE_MS)
      await retry.until(ctx, () => insistently(ctx, INSISTENCE_MS, (ctx) => giveUp(ctx, consul, estate)))
      ctx.log.mark('lock released')
      await retry.until(ctx, () => insistently(ctx, INSISTENCE_MS, destroy))
      ctx.log.mark('session destroyed')
    })
    return true
  } catch (thrown) {
    ctx.log.warn(
      `the lock could not be given back in time (${messageOf(thrown)}); it is free when the session expires, at the latest`,
    )
    return false
  }
}

/**
 * What a contender leaves that didn't get the lock, or that may have got it without learning of it: nothing. Silent,
 * and short when somebody waits for it: its session dies by itself.
 */
export async function clearAway(
  ctx: Context,
  consul: Consul,
  session: Session,
  stake: Stake,
  leaveLine: (ctx: Context) => Promise<void>,
  isHurried: boolean,
): Promise<void> {
  session.end()
  try {
    await withDeadline(ctx, isHurried ? FAREWELL_MS : LEISURELY_FAREWELL_MS, async (ctx) => {
      await giveUp(ctx, consul, stake).catch(unlessRefused)
      await leaveLine(ctx)
      await session.destroy(ctx, consul)
    })
  } catch (thrown) {
    ctx.log.debug(`the session ${session.id} could not be destroyed: ${messageOf(thrown)}`)
  }
}

/** Who may not touch a key doesn't hold it; the session is still ours to destroy. */
function unlessRefused(thrown: unknown): void {
  if (!(thrown instanceof Failure) || thrown.code !== 'refused') throw thrown
}
