import { oneLine } from '../../base/printable.ts'
import type { Entry } from '../../consul/kv.ts'
import { type Holder, parseHolderRecord } from '../../lock/holder-record.ts'
import type { RunEntry } from './runs-record.ts'
import { parseRuns } from './runs-record.ts'

/** So many runs in a row that left their lock behind are carried on; older ones are forgotten. */
const MOST_CARRIED = 5
const COMMAND_LENGTH = 80
/** A longer value is no record of ours; nobody reads on. */
const LONGEST_RECORD = 8192
const NAME_LENGTH = 64

/** The entry of a run that got its lock at this time, before anything else is known of it. */
export function runEntry({ host, user, command, runId }: Omit<Holder, 'pid'>, start: string): RunEntry {
  return {
    runId,
    host: oneLine(host, NAME_LENGTH) || '?',
    user: oneLine(user, NAME_LENGTH) || '?',
    command: oneLine(command.join(' '), COMMAND_LENGTH) || '?',
    start,
  }
}

/** Whether a value is that of a lock that is kept without a command. */
export function isKept(value: string): boolean {
  return fieldIn(value, 'kept') === true
}

/**
 * The run that a lock's value tells of; `undefined` when it is no run's. A lock that is kept without a command is none.
 */
export function runIn(value: string): RunEntry | undefined {
  if (isKept(value)) return undefined
  const { host, user, command, runId, since } = parseHolderRecord(value)
  if (!host || user === undefined || !command || !runId || since === undefined || runId.length > NAME_LENGTH) {
    return undefined
  }
  return runEntry({ host, user, command, runId }, new Date(since).toISOString())
}

/**
 * The runs before this one that never gave their lock back, as the lock's key tells when it was seen last. A key that
 * nobody holds and that still has a run's record is one whose session died. Nobody can write history without holding
 * the lock, so each holder carries these in its own record until its release writes them down.
 */
export function unendedRuns(
  seen: Entry | undefined,
  { lockKey, runId }: { readonly lockKey: string; readonly runId: string },
): readonly RunEntry[] {
  if (seen?.key !== lockKey) return []
  // One that lost the lock before its command began, and has it again by now, is told of once.
  const carried = carriedIn(seen.value).filter((run) => run.runId !== runId)
  if (parseHolderRecord(seen.value).runId === runId) return carried
  if (seen.session !== undefined) return []
  const last = runIn(seen.value)
  return last ? [...carried, { ...last, lost: 'unknown' }].slice(-MOST_CARRIED) : carried
}

/** What a holder's record carries on. */
export function carriedIn(value: string): readonly RunEntry[] {
  const parsed = parseRuns(JSON.stringify({ runs: fieldIn(value, 'unended') }))
  return parsed === 'unreadable' ? [] : parsed.runs.slice(-MOST_CARRIED)
}

function fieldIn(value: string, name: string): unknown {
  if (value.length > LONGEST_RECORD) return undefined
  try {
    return (JSON.parse(value) as Record<string, unknown>)[name]
  } catch {
    return undefined
  }
}
