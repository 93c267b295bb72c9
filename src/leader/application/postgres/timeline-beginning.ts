import type { Ask } from './postgres-client.ts'
import { type ServerState, segmentOf } from './server-state.ts'
import { timelineName } from './wal-point.ts'

/** The first record, perhaps behind a page's header: its checksum is that of the promotion's time, among others. */
const LEAST = 48n
const MOST = 128n

/**
 * What stands at the beginning of a server's own timeline, up to a position that it has reached; `undefined` when that
 * is too near, or when the server doesn't have that part of its log any more.
 */
export async function timelineBeginning(ask: Ask, { timeline, history }: ServerState, to: bigint) {
  const from = history.at(-1)?.lsn
  if (from === undefined || to - from < LEAST) return undefined
  const { name, offset } = await segmentOf(ask, from)
  const [row] = await ask("SELECT encode(pg_read_binary_file($1, $2, $3, true), 'hex') AS bytes", [
    `pg_wal/${timelineName(timeline)}${name}`,
    String(offset),
    String(to - from < MOST ? to - from : MOST),
  ])
  return typeof row?.bytes === 'string' ? row.bytes : undefined
}
