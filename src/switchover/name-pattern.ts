import { runInNewContext } from 'node:vm'

/** One match takes microseconds; a pattern can be made that takes years. In milliseconds of our processor time. */
const MATCH_MS = 100

/**
 * Whether a pattern matches a node's name as Python's `re.match` does: from its beginning, not necessarily to its end.
 * Throws for a pattern that is no regular expression, or takes too long.
 */
export function matchesName(pattern: string, node: string): boolean {
  const start = process.threadCpuUsage()
  for (;;) {
    try {
      return attempt(pattern, node)
    } catch (thrown) {
      // The attempt's limit is time on the wall, which passes for us, too, while others have the processor.
      if (!isTimeout(thrown) || usedMs(start) >= MATCH_MS) throw thrown
    }
  }
}

/** Whether a text is a regular expression. */
export function isPattern(text: string): boolean {
  try {
    matchesName(text, '')
    return true
  } catch {
    return false
  }
}

function attempt(pattern: string, node: string): boolean {
  return runInNewContext('new RegExp(pattern).test(node)', { pattern: `^(?:${pattern})`, node }, { timeout: MATCH_MS })
}

function isTimeout(thrown: unknown): boolean {
  // No `instanceof`: it may be an error of the attempt's own realm.
  return (thrown as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
}

function usedMs(start: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(start)
  return (user + system) / 1000
}
