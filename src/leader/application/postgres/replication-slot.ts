import { createHash } from 'node:crypto'
import type { Ask } from './postgres-client.ts'

const PREFIX = 'consul_locker_'
/** PostgreSQL allows 63 characters. */
const READABLE = 36

/** The name of a node's slot: PostgreSQL takes small letters, digits and `_`. */
export function slotOf(node: string): string {
  const readable = node.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')
  if (readable === node && node.length <= READABLE) return PREFIX + node
  const sum = createHash('sha256').update(node).digest('hex').slice(0, 12)
  return `${PREFIX}${readable.slice(0, READABLE)}_${sum}`
}

/** Has a master keep its log for a slot, from now on if it doesn't yet. One that has lost some of it is begun anew. */
export async function reserveSlot(ask: Ask, slot: string): Promise<void> {
  await ask(
    `SELECT pg_drop_replication_slot(slot_name)
       FROM pg_replication_slots WHERE slot_name = $1 AND wal_status = 'lost' AND NOT active`,
    [slot],
  )
  await ask(
    `SELECT pg_create_physical_replication_slot($1, true)
      WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)`,
    [slot],
  )
}

/**
 * Drops slots of members on a master that nobody uses and that keep more than so many bytes. Settles with their names.
 */
export async function dropLargeSlots(ask: Ask, keepBytes: number): Promise<string[]> {
  const rows = await ask(
    `SELECT slot_name, pg_drop_replication_slot(slot_name)
       FROM pg_replication_slots
      WHERE NOT active AND slot_type = 'physical' AND starts_with(slot_name, $1)
        AND pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) > $2::numeric`,
    [PREFIX, keepBytes],
  )
  return rows.map(({ slot_name }) => String(slot_name))
}

/** A slot of a member at the master, and from where on it keeps the log. */
export interface MemberSlot {
  readonly name: string
  readonly lsn: string
}

/** Of a slot that is moved on to wherever one is. */
export const FURTHEST = 'FFFFFFFF/FFFFFFFF'

/** The slots of all members but one. */
export async function memberSlots(ask: Ask, but: string): Promise<MemberSlot[]> {
  const rows = await ask(
    `SELECT slot_name, restart_lsn FROM pg_replication_slots
      WHERE slot_type = 'physical' AND starts_with(slot_name, $1) AND slot_name <> $2 AND restart_lsn IS NOT NULL`,
    [PREFIX, but],
  )
  return rows.map(({ slot_name, restart_lsn }) => ({ name: String(slot_name), lsn: String(restart_lsn) }))
}

/**
 * Has a standby keep its log for the other members as its master does, should it become master itself; and no longer,
 * for nobody else moves a standby's slots on.
 */
export async function mirrorSlots(ask: Ask, slots: readonly MemberSlot[]): Promise<void> {
  const names = slots.map(({ name }) => name)
  await ask(
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
      WHERE NOT active AND slot_type = 'physical' AND starts_with(slot_name, $1) AND slot_name <> ALL ($2)`,
    [PREFIX, names],
  )
  await ask(
    `SELECT pg_create_physical_replication_slot(name, true) FROM unnest($1::text[]) AS name
      WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = name)`,
    [names],
  )
  await ask(
    `SELECT pg_replication_slot_advance(slot_name, least(lsn, pg_last_wal_replay_lsn()))
       FROM pg_replication_slots JOIN unnest($1::text[], $2::pg_lsn[]) AS theirs (name, lsn) ON slot_name = name
      WHERE NOT active AND restart_lsn < least(lsn, pg_last_wal_replay_lsn())`,
    [names, slots.map(({ lsn }) => lsn)],
  )
}
