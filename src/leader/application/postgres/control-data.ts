import { parseLsn, type WalPoint } from './wal-point.ts'

/** What a server's control file says. */
export interface ControlData {
  readonly system: string
  /** It was open, and was shut down: the log ends with its last checkpoint. */
  readonly shutDown: boolean
  readonly checkpoint: WalPoint
}

/**
 * Reads what `pg_controldata` writes in the locale C; `undefined` when that isn't it.
 * https://www.postgresql.org/docs/current/app-pgcontroldata.html
 */
export function parseControlData(text: string): ControlData | undefined {
  const field = (name: string) => text.match(new RegExp(`^${name}: +(.*)$`, 'm'))?.[1]?.trim() ?? ''
  const system = field('Database system identifier')
  const lsn = parseLsn(field('Latest checkpoint location'))
  const timeline = Number(field("Latest checkpoint's TimeLineID"))
  if (!/^\d+$/.test(system) || lsn === undefined || !Number.isSafeInteger(timeline) || timeline < 1) return undefined
  return { system, shutDown: field('Database cluster state') === 'shut down', checkpoint: { timeline, lsn } }
}
