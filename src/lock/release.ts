import { withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
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

/** What is to be given back: a key, if this session holds it, and the session. */
type Estate = Pick<Stake, 'key' | 'sessionId'>

/**
 * Gives a lock back and destroys its session, trying again until the lease would have ended anyway; then it warns.
 * Settles with whether it is given back.
 */
export function release(ctx: Context, consul: Consul, session: Session, stake: Stake): Promise<boolean> {
  session.end()
  return giveBack(ctx, consul, stake, Math.max(FAREWELL_MS, session.leaseLeftMs()))
}

/** Gives back what a dead runner held, or one that could not do so before it ended. */
export function releaseFor(ctx: Context, consul: Consul, estate: Estate): Promise<boolean> {
  return giveBack(ctx, consul, estate, HEIR_MS)
}

// Release first: destroying a session that still holds costs the next holder the lock-delay.
async function giveBack(ctx: Context, consul: Consul, estate: Estate, withinMs: number): Promise<boolean> {
  // There is a session, so it is Consul; silence is an outage.
  consul.heard = true
  try {
    await withDeadline(ctx, withinMs, async (ctx) => {
      const retry = new Retry(consul, LONGEST_PAUSE_MS)
      await retry.until(ctx, () => giveUp(ctx, consul, estate))
      ctx.log.mark('lock released')
      await retry.until(ctx, () => destroySession(ctx, consul, estate.sessionId))
      ctx.log.mark('session destroyed')
    })
    return true
  } catch (thrown) {
    ctx.log.warn(`the lock could not be given back (${messageOf(thrown)}); Consul frees it when the session expires`)
    return false
  }
}

/**
 * What a contender leaves that didn't get the lock, or that may have got it without learning of it: nothing. Short,
 * and silent: its session dies by itself.
 */
export async function clearAway(
  ctx: Context,
  consul: Consul,
  session: Session,
  stake: Stake,
  leaveLine: (ctx: Context) => Promise<void>,
): Promise<void> {
  session.end()
  try {
    await withDeadline(ctx, FAREWELL_MS, async (ctx) => {
      await giveUp(ctx, consul, stake).catch(unlessRefused)
      await leaveLine(ctx)
      await destroySession(ctx, consul, session.id)
    })
  } catch (thrown) {
    ctx.log.debug(`the session ${session.id} could not be destroyed: ${messageOf(thrown)}`)
  }
}

/** Who may not touch a key doesn't hold it; the session is still ours to destroy. */
function unlessRefused(thrown: unknown): void {
  if (!(thrown instanceof Failure) || thrown.code !== 'refused') throw thrown
}
