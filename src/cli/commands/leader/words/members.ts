import { printLines } from '../../../output/print.ts'
import { memberLines } from '../view.ts'
import { knownCluster } from './known-cluster.ts'
import type { LeaderWordCall } from './leader-word.ts'

/** The nodes, one a line. */
export async function members({ ctx, access, options }: LeaderWordCall): Promise<number> {
  const { members } = await knownCluster(ctx, access)
  return printLines(options.json ? [JSON.stringify(members)] : memberLines(members))
}
