import type { Context } from '../base/context.ts'
import { awaitGatedTurn } from './gated-turn.ts'
import type { Job, Result, World } from './job.ts'
import { Tenure } from './tenure.ts'
import { awaitTurn } from './turn.ts'

/**
 * Waits for the lock, runs the command while we hold it, gives the lock back. Rejects with a `Failure` when that can't
 * be done; then the command did not start. When it settles, nothing of ours is left at Consul unless a warning said so.
 */
export async function run(ctx: Context, world: World, job: Job): Promise<Result> {
  const beganAt = ctx.clock.now()
  const turn = await (world.gatesBefore ? awaitGatedTurn : awaitTurn)(ctx, world, job)
  const waitedMs = Math.round(ctx.clock.since(beganAt))
  if ('kind' in turn) return { outcome: turn, waitedMs }
  return { ...(await new Tenure(world, job, turn).run(ctx)), waitedMs }
}
