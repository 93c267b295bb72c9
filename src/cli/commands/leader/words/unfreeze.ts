import { liftFreeze } from '../../../../leader/cluster/cluster-access.ts'
import type { Asked } from './asked.ts'
import { clusterToFree } from './known-cluster.ts'

/** Has failovers no longer wait after too many of them. */
export async function unfreeze({ ctx, access }: Asked): Promise<number> {
  await clusterToFree(ctx, access)
  if (!(await liftFreeze(ctx, access))) ctx.log.notice(`${access.name} was not frozen`)
  return 0
}
