import type { Ask } from './postgres-client.ts'
import { parseTimelineHistory, type WalPath } from './timeline-history.ts'
import { parseLsn, timelineName } from './wal-point.ts'

/** What a server is, and what it has. */
export interface ServerState extends WalPath {
  /** The cluster's own number: servers with another one have nothing in common. */
  readonly system: string
  /** It is a standby: it takes no writes. */
  readonly recovering: boolean
  /** What it has taken in; more may have been received. */
  readonly replayed: bigint
}

/**
 * What a standby has is the end of what it has received, whether it was replayed or not. Its timeline is that of the
 * last segment: its checkpoints, and what is replayed, may still be on an older one.
 */
const STATE = `
  SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system, recovering,
         CASE WHEN recovering
              THEN (SELECT max(left(name, 8)) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$')
              ELSE left(pg_walfile_name(pg_current_wal_flush_lsn()), 8) END AS timeline,
         CASE WHEN recovering
              THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
              ELSE pg_current_wal_flush_lsn() END AS lsn,
         pg_last_wal_replay_lsn() AS replayed
    FROM (SELECT pg_is_in_recovery() AS recovering) AS now`

/** Asks a server for its state. Rejects when it doesn't answer, or not as PostgreSQL does. */
export async function serverState(ask: Ask): Promise<ServerState> {
  const [row] = await ask(STATE)
  const timeline = Number.parseInt(String(row?.timeline), 16)
  const lsn = parseLsn(String(row?.lsn))
  if (lsn === undefined || !Number.isSafeInteger(timeline)) throw new Error('PostgreSQL has no position yet')
  const recovering = row?.recovering === true
  return {
    system: String(row?.system),
    recovering,
    timeline,
    lsn,
    replayed: recovering ? (parseLsn(String(row?.replayed)) ?? lsn) : lsn,
    history: timeline === 1 ? [] : await historyOf(ask, timeline),
  }
}

async function historyOf(ask: Ask, timeline: number) {
  const file = `pg_wal/${timelineName(timeline)}.history`
  const [row] = await ask('SELECT pg_read_file($1, 0, 1000000, true) AS history', [file])
  return parseTimelineHistory(String(row?.history ?? ''))
}

/** Whom a standby receives from, whether it does, and how far it is behind. */
export interface WalReceiver {
  readonly streaming: boolean
  readonly host: string
  readonly port: number
  /** In bytes: what the master has written, as far as it has said, and this one hasn't taken in. */
  readonly lag: number
  /** How old the last change is that was taken in, in milliseconds; 0 when there is nothing to take in. */
  readonly lagMs: number
}

const WAL_RECEIVER = `
  SELECT status, sender_host, sender_port, greatest(0, latest_end_lsn - pg_last_wal_replay_lsn()) AS lag,
         CASE WHEN latest_end_lsn <= pg_last_wal_replay_lsn() THEN 0
              ELSE 1000 * extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END AS lag_ms
    FROM pg_stat_wal_receiver`

/** Whom a standby follows just now; \`undefined\` when it is connected to nobody. */
export async function walReceiver(ask: Ask): Promise<WalReceiver | undefined> {
  const [row] = await ask(WAL_RECEIVER)
  if (!row) return undefined
  const { status, sender_host, sender_port, lag, lag_ms } = row
  return {
    streaming: status === 'streaming',
    host: String(sender_host),
    port: Number(sender_port),
    lag: Number(lag ?? 0),
    lagMs: Math.max(0, Math.round(Number(lag_ms ?? 0))),
  }
}

/** The oldest segment of its log that a server has, as `0000000000000003`. */
export async function oldestSegment(ask: Ask): Promise<string> {
  const [row] = await ask("SELECT min(right(name, 16)) AS oldest FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'")
  return String(row?.oldest)
}

/** A segment of the log, as `0000000000000003`, and a place in it. */
export interface SegmentPlace {
  readonly name: string
  /** In bytes. */
  readonly offset: bigint
}

/** Where a position stands; a standby at that position begins with the beginning of its segment. */
export async function segmentOf(ask: Ask, lsn: bigint): Promise<SegmentPlace> {
  const [row] = await ask("SELECT setting AS bytes FROM pg_settings WHERE name = 'wal_segment_size'")
  const bytes = BigInt(String(row?.bytes))
  const parts = [lsn >> 32n, (lsn & 0xffffffffn) / bytes]
  const name = parts.map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('')
  return { name, offset: lsn % bytes }
}
