import { setMaintenance } from '../../../../leader/cluster/cluster-access.ts'
import { print } from '../../../output/print.ts'
import { DEFAULT_MAINTENANCE_MS } from '../syntax.ts'
import { clusterToFree, clusterToSwitch } from './known-cluster.ts'
import type { LeaderWordCall } from './leader-word.ts'

/** Nobody is promoted or demoted on a node, or on all of them, until it expires or is ended. */
export async function maintain({ ctx, access, options }: LeaderWordCall): Promise<number> {
  const { node, off, force } = options
  const where = node === undefined ? access.name : `${access.name} on ${node}`
  if (off) {
    await clusterToFree(ctx, access, node)
    await setMaintenance(ctx, access, node, undefined)
    return print(`${where}: maintenance is over`)
  }
  await clusterToSwitch(ctx, access, { node, force })
  const until = new Date(ctx.clock.now().wallMs + (options.for ?? DEFAULT_MAINTENANCE_MS)).toISOString()
  await setMaintenance(ctx, access, node, until)
  return print(`${where}: in maintenance until ${until}`)
}
