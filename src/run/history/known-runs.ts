import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import type { Consul } from '../../consul/consul.ts'
import { type Entry, readKey } from '../../consul/kv.ts'
import { isLock } from '../../lock/lock-keys.ts'
import { lastFailure, lastSuccess, parseRuns, type RunEntry, type RunsRecord, runsKey } from './runs-record.ts'
import { carriedIn, runIn, unendedRuns } from './unended-runs.ts'

/** All that Consul knows of a lock's runs, for people. */
export interface KnownRuns {
  /** The lock's key. */
  readonly entry: Entry | undefined
  /** Those that are over, the newest last. */
  readonly ended: readonly RunEntry[]
  /** The one that holds the lock now. */
  readonly running: RunEntry | undefined
  readonly success: RunEntry | undefined
  readonly failure: RunEntry | undefined
}

/**
 * Reads what the record of a lock's runs tells, and what only the lock itself knows: the run that holds it, and those
 * that never gave it back. Throws a `malformed` failure when the record is none.
 */
export async function knownRuns(ctx: Context, consul: Consul, lockKey: string): Promise<KnownRuns> {
  const { known, trouble } = await knownOfLock(ctx, consul, lockKey)
  if (trouble) throw trouble
  return known
}

/** The same; of a record that is none `trouble` tells, and what is known then is what the lock itself knows. */
export async function knownOfLock(
  ctx: Context,
  consul: Consul,
  lockKey: string,
): Promise<{ readonly known: KnownRuns; readonly trouble: Failure | undefined }> {
  // The lock first: a run that ends meanwhile is seen twice, and not never.
  const { entry } = await readKey(ctx, consul, lockKey, { consistent: true, rights: 'read' })
  const key = runsKey(lockKey)
  const reading = await readKey(ctx, consul, key, { consistent: true, rights: 'read' })
  const record = parseRuns(reading.entry?.value ?? '')
  if (record !== 'unreadable') return { known: knownIn(lockKey, entry, record), trouble: undefined }
  const trouble = new Failure('malformed', `what stands at ${key} is no record of runs`, {
    hint: `if nobody needs it: consul kv delete ${key}`,
  })
  return { known: knownIn(lockKey, entry, { runs: [] }), trouble }
}

/** The same, of what was read already: what stands at the lock's key, and its record. */
export function knownIn(lockKey: string, entry: Entry | undefined, record: RunsRecord): KnownRuns {
  // Data tells of no runs, whatever it looks like.
  const lock = entry && isLock(entry) ? entry : undefined
  const isHeld = lock?.session !== undefined
  const unended = isHeld ? carriedIn(lock.value) : unendedRuns(lock, { lockKey, runId: '' })
  const current = isHeld ? runIn(lock.value) : undefined
  // Who lost the lock before its command began may have had it again since, and this tells more.
  const again = new Set([...unended, ...(current ? [current] : [])].map(({ runId }) => runId))
  const runs = record.runs.filter(({ runId, lost }) => lost !== 'unknown' || !again.has(runId))
  const recorded = new Set(runs.map(({ runId }) => runId))
  const ended = [...runs, ...unended.filter(({ runId }) => !recorded.has(runId))]
  return {
    entry,
    ended,
    running: current && !recorded.has(current.runId) ? current : undefined,
    success: lastSuccess({ ...record, runs: ended }),
    failure: lastFailure({ ...record, runs: ended }),
  }
}
