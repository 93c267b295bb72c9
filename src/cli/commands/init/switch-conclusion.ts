import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import type { SwitchResult } from '../../../switchover/switch-world.ts'
import { EXIT } from '../../exit-codes.ts'

const NOWHERE = 'the service runs nowhere now'
const MEND = 'mend it on the primary, which status shows, and start it there'

/** An abort has done what it was asked for when the old primary runs again. */
export function concludeAbort(ctx: Context, end: SwitchResult): number {
  if (end.kind === 'undone' && end.primary === 'old' && !end.nowhere) return EXIT.done
  return conclude(ctx, end)
}

/** The exit code of a switch, after what is to be said of its end. Throws a failure for one that was undone. */
export function conclude(ctx: Context, end: SwitchResult): number {
  if (end.kind === 'undone') {
    const { why, primary, nowhere } = end
    const undone = 'the switch was undone, and the primary is the same as before'
    const stays = "it can't be undone either, and the new primary stays"
    const sentence = `${why}; ${primary === 'old' ? undone : stays}`
    if (nowhere) throw new Failure('failed', `${sentence}, but ${NOWHERE}`, { hint: MEND })
    throw new Failure('failed', sentence)
  }
  for (const node of new Set(end.skipped.map(({ node }) => node))) {
    ctx.log.warn(`${node} was left out: its demotion stays raised, and stops its services when it comes back`)
  }
  for (const node of end.untold) {
    ctx.log.warn(`${node} tells nothing of its services, and has no check in Consul: see there whether they run`)
  }
  for (const datacenter of end.owed) {
    ctx.log.warn(`${datacenter} can't be reached and keeps the old roles; run start-primary again when it is back`)
  }
  return EXIT.done
}
