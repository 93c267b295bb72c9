import type { KvEntry } from './kv-entry.ts'
import { SortedKeys } from './sorted-keys.ts'

/** What a key was before a write that may be taken back. */
interface Before {
  readonly key: string
  readonly entry: KvEntry | undefined
  readonly tombstone: number | undefined
  readonly index: number
}

/**
 * Consul forgets them after a quarter of an hour (`tombstone_ttl`); here the older half goes when there are so many.
 */
const MAX_TOMBSTONES = 10_000

/** All keys, and what is needed to tell when they changed (agent/consul/state/kvs.go). */
export class KvTable {
  #entries = new SortedKeys<KvEntry>()
  /** When a key below a prefix was deleted: without it the index of a listing would slide backwards. */
  #tombstones = new SortedKeys<number>()
  #index = 0
  #held = new Map<string, Set<string>>()
  #journal: Before[] = []

  /** The raft index of the last change to any key. */
  get index(): number {
    return this.#index
  }

  get(key: string): KvEntry | undefined {
    return this.#entries.get(key)
  }

  /** The keys below a prefix, in order. */
  below(prefix: string): KvEntry[] {
    return this.#entries.below(prefix)
  }

  /** The index of a listing: its last change or deletion, or the whole table's when there never was any. */
  indexBelow(prefix: string, entries: readonly KvEntry[]): number {
    if (prefix === '') return this.#index
    let index = 0
    for (const entry of entries) if (entry.modifyIndex > index) index = entry.modifyIndex
    for (const deletedAt of this.#tombstones.below(prefix)) if (deletedAt > index) index = deletedAt
    return index || this.#index
  }

  /** The keys that a session holds. */
  heldBy(session: string): readonly string[] {
    return [...(this.#held.get(session) ?? [])]
  }

  put(entry: KvEntry): void {
    this.#note(entry.key)
    this.#store(entry.key, entry)
    this.#index = entry.modifyIndex
  }

  /** Deletes a key, whoever holds it; one that isn't there is no error and no change. */
  delete(raftIndex: number, key: string): void {
    if (!this.#entries.get(key)) return
    this.#note(key)
    this.#store(key, undefined)
    this.#tombstones.set(key, raftIndex)
    this.#index = raftIndex
  }

  /** Makes what was written since the last `commit` final, and returns the keys it touched. */
  commit(): readonly string[] {
    const changed = this.#journal.map((before) => before.key)
    if (changed.length > 0) this.#journal = []
    if (this.#tombstones.size > MAX_TOMBSTONES) this.#reap()
    return changed
  }

  /** Takes back what was written since the last `commit`. */
  rollback(): void {
    for (const before of this.#journal.reverse()) {
      this.#store(before.key, before.entry)
      if (before.tombstone === undefined) this.#tombstones.delete(before.key)
      else this.#tombstones.set(before.key, before.tombstone)
      this.#index = before.index
    }
    this.#journal = []
  }

  /** A copy that stands still. */
  copy(): KvTable {
    const copy = new KvTable()
    copy.#entries = this.#entries.copy()
    copy.#tombstones = this.#tombstones.copy()
    copy.#index = this.#index
    for (const [session, keys] of this.#held) copy.#held.set(session, new Set(keys))
    return copy
  }

  /** When keys were deleted that a listing would miss else. */
  get tombstones(): (readonly [key: string, index: number])[] {
    return this.#tombstones.entries()
  }

  static of(index: number, entries: readonly KvEntry[], tombstones: KvTable['tombstones']): KvTable {
    const table = new KvTable()
    for (const entry of entries) table.#store(entry.key, entry)
    for (const [key, at] of tombstones) table.#tombstones.set(key, at)
    table.#index = index
    return table
  }

  #reap(): void {
    const newestFirst = this.#tombstones.entries().sort(([, a], [, b]) => b - a)
    for (const [key] of newestFirst.slice(MAX_TOMBSTONES / 2)) this.#tombstones.delete(key)
  }

  #note(key: string): void {
    this.#journal.push({
      key,
      entry: this.#entries.get(key),
      tombstone: this.#tombstones.get(key),
      index: this.#index,
    })
  }

  #store(key: string, entry: KvEntry | undefined): void {
    const before = this.#entries.get(key)?.session ?? ''
    const after = entry?.session ?? ''
    if (before !== after) this.#handOver(key, before, after)
    if (entry) this.#entries.set(key, entry)
    else this.#entries.delete(key)
  }

  #handOver(key: string, from: string, to: string): void {
    const keys = this.#held.get(from)
    if (keys?.delete(key) && keys.size === 0) this.#held.delete(from)
    if (to === '') return
    const held = this.#held.get(to)
    if (held) held.add(key)
    else this.#held.set(to, new Set([key]))
  }
}
