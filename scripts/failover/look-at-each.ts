import { setTimeout as delay } from 'node:timers/promises'
import type { Member } from './system.ts'

/** Looks at all nodes, each for itself, and again `ms` milliseconds after each look, until the signal aborts. */
export function lookAtEach(
  nodes: readonly Member[],
  ms: number,
  signal: AbortSignal,
  look: (node: Member) => Promise<void>,
): Promise<unknown> {
  const keepLooking = async (node: Member) => {
    while (!signal.aborted) {
      await look(node)
      await delay(ms, undefined, { signal }).catch(() => {})
    }
  }
  return Promise.all(nodes.map(keepLooking))
}
