import { printLines } from '../../../output/print.ts'
import { memberLines } from '../view.ts'
import type { Asked } from './asked.ts'
import { knownCluster } from './known-cluster.ts'

/** The nodes, one a line. */
export async function members({ ctx, access, options }: Asked): Promise<number> {
  const { members } = await knownCluster(ctx, access)
  return printLines(options.json ? [JSON.stringify(members)] : memberLines(members))
}
