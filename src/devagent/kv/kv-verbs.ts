import { type Draft, KvEntry } from './kv-entry.ts'
import type { KvTable } from './kv-table.ts'

/** Done; not done, as its condition doesn't hold; or refused as senseless, in Consul's own words. */
export type VerbResult = boolean | string

/** What a write sees of the rest of the state. */
export interface WriteTxn {
  readonly kv: KvTable
  /** The raft index of the write. */
  readonly index: number
  hasSession(id: string): boolean
}

/** Consul's words for a session id that is none; sessions are looked up by UUID. */
export const NO_UUID = 'failed session lookup: index error: UUID must be 36 characters'

/** Writes value and flags, and leaves the lock as it is. */
export function set({ kv, index }: WriteTxn, draft: Draft): true {
  const old = kv.get(draft.key)
  // A plain write that changes anything takes the LockIndex back to 0, even under a lock (kvsSetTxn).
  const entry = new KvEntry(draft, old?.session ?? '', old?.createIndex ?? index, index, 0)
  return write(kv, old, entry)
}

/** Writes if the key was last changed at `atIndex`; 0: if there is no such key. */
export function cas(tx: WriteTxn, draft: Draft, atIndex: number): boolean {
  const old = tx.kv.get(draft.key)
  return (old?.modifyIndex ?? 0) === atIndex && set(tx, draft)
}

/** Takes the lock. Done, too, when the session holds it already; value and flags are written all the same. */
export function lock(tx: WriteTxn, draft: Draft, session: string): VerbResult {
  const { kv, index } = tx
  if (session === '') return 'missing session'
  if (session.length !== 36) return NO_UUID
  if (!tx.hasSession(session)) return `invalid session ${JSON.stringify(session)}`
  const old = kv.get(draft.key)
  if (!old) return write(kv, old, new KvEntry(draft, session, index, index, 1))
  if (old.session !== '' && old.session !== session) return false
  const lockIndex = old.session === session ? old.lockIndex : old.lockIndex + 1
  return write(kv, old, new KvEntry(draft, session, old.createIndex, index, lockIndex))
}

/** Gives the lock back; value and flags are written, too. */
export function unlock({ kv, index }: WriteTxn, draft: Draft, session: string): VerbResult {
  if (session === '') return 'missing session'
  const old = kv.get(draft.key)
  if (!old || old.session !== session) return false
  return write(kv, old, new KvEntry(draft, '', old.createIndex, index, old.lockIndex))
}

/** Deletes if the key was last changed at `atIndex`, or isn't there. */
export function deleteCas({ kv, index }: WriteTxn, key: string, atIndex: number): boolean {
  const old = kv.get(key)
  if (old && old.modifyIndex !== atIndex) return false
  kv.delete(index, key)
  return true
}

/** Deletes all keys below a prefix, locks and all. */
export function deleteTree({ kv, index }: WriteTxn, prefix: string): void {
  for (const entry of kv.below(prefix)) kv.delete(index, entry.key)
}

/** Takes the lock from the session that holds it, and leaves value and flags. */
export function dropLock({ kv, index }: WriteTxn, key: string): void {
  const old = kv.get(key)
  if (old) write(kv, old, new KvEntry(old, '', old.createIndex, index, old.lockIndex))
}

function write(kv: KvTable, old: KvEntry | undefined, entry: KvEntry): true {
  if (!old?.isLike(entry)) kv.put(entry)
  return true
}
