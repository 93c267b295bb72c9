import { liftFreeze } from '../../../../leader/cluster/cluster-access.ts'
import { EXIT } from '../../../exit-codes.ts'
import { clusterToFree } from './known-cluster.ts'
import type { LeaderWordCall } from './leader-word.ts'

/** Has failovers no longer wait after too many of them. */
export async function unfreeze({ ctx, access }: LeaderWordCall): Promise<number> {
  await clusterToFree(ctx, access)
  if (!(await liftFreeze(ctx, access))) ctx.log.notice(`${access.name} was not frozen`)
  return EXIT.done
}
