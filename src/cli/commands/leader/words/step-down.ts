import { handOver } from './hand-over.ts'
import type { LeaderWordCall } from './leader-word.ts'

/** Has the master hand over, to any node that has caught up, and waits for the next one. */
export async function stepDown(call: LeaderWordCall): Promise<number> {
  return handOver(call, undefined)
}
