import { awaitHandover, requestStepDown } from '../../../../leader/cluster/cluster-access.ts'
import { whoAsks } from '../../../invocation/who-asks.ts'
import { print } from '../../../output/print.ts'
import { DEFAULT_TIMEOUT_MS } from '../syntax.ts'
import { knownCluster } from './known-cluster.ts'
import type { LeaderWordCall } from './leader-word.ts'

/** Has the master hand over, to this node if one is named, and waits for the next one. */
export async function handOver(
  { ctx, access, options }: LeaderWordCall,
  candidate: string | undefined,
): Promise<number> {
  const { force, timeout: timeoutMs = DEFAULT_TIMEOUT_MS } = options
  await knownCluster(ctx, access)
  const asked = await requestStepDown(ctx, access, { by: whoAsks(), force, candidate })
  const { master } = await awaitHandover(ctx, access, asked, timeoutMs)
  return print(`${access.name}: ${master?.node} is master now, after ${asked.node}`)
}
