import { sleep } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { findGuardians } from '../../child/find-guardians.ts'
import { CLEANUP, cleanupPlanIn, PLAN_VARIABLE } from './cleanup-plan.ts'

const LOOK_MS = 100

/**
 * Waits until no guardian of this application's agents on this machine is at work any more, for `patienceMs` at the
 * longest: it demotes in a dead agent's place, and no two calls of the application may be under way at once. Who starts
 * a guardian of its own does that afterwards. Rejects with the signal's reason when that aborts.
 */
export async function untilFormerGuardianEnds(
  ctx: Context,
  { name, node }: { readonly name: string; readonly node: string },
  patienceMs: number,
): Promise<void> {
  const isFormer = (text: string) => {
    const plan = cleanupPlanIn(text)
    return plan?.file.name === name && plan.node === node
  }
  const beganAt = ctx.clock.now()
  for (let said = false; findGuardians(CLEANUP, PLAN_VARIABLE, isFormer).length > 0; said = true) {
    if (!said) ctx.log.notice(`the guardian of an agent of ${name} that was killed is at work; waiting for its end`)
    if (ctx.clock.since(beganAt) >= patienceMs) return ctx.log.warn('it takes too long; going on without it')
    await sleep(ctx, LOOK_MS)
  }
}
