import { formatDuration } from '../base/duration.ts'
import { oneLine } from '../base/excerpt.ts'

const DETAIL_LENGTH = 60

/** Who holds a lock, for people and for `locks`; nothing is decided by it. It is the value of the lock's key. */
export interface HolderRecord {
  readonly host: string
  readonly pid: number
  readonly user: string
  readonly command: readonly string[]
  /** Since when it holds the lock, as an ISO date. */
  readonly since: string
  readonly runId: string
  /** How long Consul keeps the lock closed when this holder's session dies. */
  readonly lockDelayMs: number
}

/** What a key's value tells of its holder. Other tools leave a host name, or nothing. */
export function parseRecord(value: string): Partial<HolderRecord> {
  try {
    const record: unknown = JSON.parse(value)
    if (typeof record === 'object' && record !== null) return record
  } catch {
    // A value of another tool's.
  }
  return /^[\w.-]{1,253}$/.test(value.trim()) ? { host: value.trim() } : {}
}

/**
 * How long Consul keeps a lock closed after the holder with this value lost its session, in milliseconds; 0 when the
 * value doesn't tell.
 */
export function lockDelayOf(value: string): number {
  const { lockDelayMs } = parseRecord(value)
  return typeof lockDelayMs === 'number' ? lockDelayMs : 0
}

/** `held by web3 (pid 812, ./bootstrap.sh) for 4m12s`, as far as the value tells. */
export function describeHolder(value: string, nowMs: number): string {
  const { host, pid, command, since } = parseRecord(value)
  if (typeof host !== 'string' || host === '') return 'held by someone who left no name'
  const details: string[] = []
  if (typeof pid === 'number') details.push(`pid ${pid}`)
  if (Array.isArray(command)) details.push(oneLine(command.join(' '), DETAIL_LENGTH))
  const sinceMs = typeof since === 'string' ? Date.parse(since) : Number.NaN
  const duration = Number.isNaN(sinceMs) ? '' : ` for ${formatDuration(Math.max(0, nowMs - sinceMs))}`
  return `held by ${oneLine(host, DETAIL_LENGTH)}${details.length > 0 ? ` (${details.join(', ')})` : ''}${duration}`
}
