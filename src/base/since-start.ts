import { readFileSync } from 'node:fs'

/**
 * A clock that shows the milliseconds since this process was forked, what ran before our own code included. Node has no
 * such clock: `performance.timeOrigin` is 3 ms late. The kernel tells how long the main thread ran and waited for a
 * processor (https://docs.kernel.org/scheduler/sched-stats.html), and hitherto it has done nothing else. Where the
 * kernel doesn't tell, the clock begins now.
 */
export function clockSinceStart(): () => number {
  const startedAtMs = nowMs() - ranAndWaitedMs()
  return () => nowMs() - startedAtMs
}

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

function ranAndWaitedMs(): number {
  try {
    const [ranNs = 0, waitedNs = 0] = readFileSync('/proc/self/schedstat', 'latin1').split(' ').map(Number)
    return (ranNs + waitedNs) / 1e6
  } catch {
    return 0
  }
}
