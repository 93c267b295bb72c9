import type { Entry } from '../consul/kv.ts'
import type { SessionOwner } from '../consul/sessions.ts'
import { storedAs } from '../consul/stored-value.ts'
import { LEADER_RECORD } from '../leader/cluster/leader-record.ts'
import { type HolderRecord, heldFence, parseHolderRecord, parseWaiterRecord } from '../lock/holder-record.ts'
import { isKept } from '../run/history/unended-runs.ts'
import { applicationOf } from './leaders.ts'
import type { HolderView, LockProcess, WaiterView } from './lock-view.ts'

/** Who made the sessions of those who left no record, by their ids. */
export type SessionOwners = ReadonlyMap<string, SessionOwner>

/** Whether whoever holds this key doesn't say on which host it is. */
export function isAnonymous({ session, value }: Entry): boolean {
  return session !== undefined && parseWaiterRecord(value).host === undefined
}

/** The holder of a key that a session holds. */
export function holderAt(entry: Entry, owners: SessionOwners): HolderView {
  const record = parseHolderRecord(entry.value)
  const { runId, lockDelayMs } = record
  return {
    ...lockProcess(entry, record, owners),
    ...(runId !== undefined && { runId }),
    ...(lockDelayMs !== undefined && { lockDelayMs }),
    fence: heldFence(entry),
    isKept: isKept(entry.value),
    ...(applicationOf(entry.key) !== undefined && {
      isPromoted: storedAs(LEADER_RECORD, entry.value)?.promoted === true,
    }),
  }
}

/** Who stands at a place in a line. */
export function waiterAt(entry: Entry, owners: SessionOwners): WaiterView {
  const record = parseWaiterRecord(entry.value)
  return { ...lockProcess(entry, record, owners), isForMore: record.also === true }
}

function lockProcess(
  { session = '' }: Entry,
  { host, user, pid, command, since }: Partial<HolderRecord>,
  owners: SessionOwners,
): LockProcess {
  const owner = host === undefined ? owners.get(session) : undefined
  const words = command ?? owner?.command
  return {
    ...(host !== undefined ? { host } : owner && { host: owner.node }),
    ...(user !== undefined && { user }),
    ...(pid !== undefined && { pid }),
    ...(words && { command: words }),
    ...(since !== undefined && { sinceMs: Date.parse(since) }),
    session,
  }
}
