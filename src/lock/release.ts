import { withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { messageOf } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import { giveUp, type Stake } from './claim.ts'
import type { Session } from './session.ts'

/** A loser's farewell may take this long; its session dies by itself afterwards. */
const FAREWELL_MS = 2000

/**
 * Gives the lock back and destroys the session, in that order: destroying a session that holds costs the next holder
 * the lock-delay. Tried again until the lease would have ended anyway; after that it only warns.
 */
export async function release(ctx: Context, consul: Consul, session: Session, stake: Stake): Promise<void> {
  session.end()
  const leftMs = Math.max(FAREWELL_MS, session.leaseLeftMs())
  try {
    await withDeadline(ctx, leftMs, async (ctx) => {
      const retry = new Retry(consul)
      await retry.until(ctx, () => giveUp(ctx, consul, stake))
      await retry.until(ctx, () => session.destroy(ctx, consul))
    })
  } catch (thrown) {
    ctx.log.warn(`the lock could not be given back (${messageOf(thrown)}); Consul frees it when the session expires`)
  }
}

/**
 * What a contender leaves that didn't get the lock, or that may have got it without learning of it: nothing. Short,
 * and silent: its session dies by itself.
 */
export async function clearAway(ctx: Context, consul: Consul, session: Session, stake: Stake): Promise<void> {
  session.end()
  try {
    await withDeadline(ctx, FAREWELL_MS, async (ctx) => {
      await giveUp(ctx, consul, stake)
      await session.destroy(ctx, consul)
    })
  } catch (thrown) {
    ctx.log.debug(`the session ${session.id} could not be destroyed: ${messageOf(thrown)}`)
  }
}
