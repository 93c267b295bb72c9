import type { Asked } from './asked.ts'
import { handOver } from './hand-over.ts'

/** Has the master hand over, to any node that has caught up, and waits for the next one. */
export async function stepDown(asked: Asked): Promise<number> {
  return handOver(asked, undefined)
}
