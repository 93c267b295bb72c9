import type { Clock } from '../base/clock.ts'
import type { Registration, Removal } from './catalog/catalog-records.ts'
import { type CatalogChanges, CatalogTable } from './catalog/catalog-table.ts'
import { KvTable } from './kv/kv-table.ts'
import { dropLock, type WriteTxn } from './kv/kv-verbs.ts'
import { type SessionRecord, SessionTable } from './session/session-table.ts'

/** Consul caps a lock-delay when it applies it, not when it is given (structs.MaxLockDelay). */
const MAX_LOCK_DELAY_MS = 60_000

/** The servers' state at one moment, to go back to. */
export interface Snapshot {
  readonly raftIndex: number
  readonly kv: KvTable
  readonly sessions: SessionTable
}

/** What a change touched, as names of topics. */
export type Changes = readonly string[]

/** The topic of a key; that of all keys below a prefix is the same with `prefix` set. */
export const KV_TOPIC = 'kv/'
export const SESSION_TOPIC = 'session/'

/**
 * What the servers agree on under one raft index: keys, sessions, the catalog. And what each only remembers:
 * lock-delays.
 */
export class State {
  readonly #clock: Clock
  #kv = new KvTable()
  #sessions = new SessionTable()
  #catalog = new CatalogTable()
  #raftIndex = 10
  #raftWrites = 0
  readonly #lockDelayUntilMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get kv(): KvTable {
    return this.#kv
  }

  get sessions(): SessionTable {
    return this.#sessions
  }

  get catalog(): CatalogTable {
    return this.#catalog
  }

  get raftIndex(): number {
    return this.#raftIndex
  }

  /** Entries that went into the raft log so far. */
  get raftWrites(): number {
    return this.#raftWrites
  }

  /** Writes to keys. Nothing is written when `write` says `false`, or refuses in words. */
  apply<T>(write: (tx: WriteTxn) => T): { readonly result: T; readonly changes: Changes } {
    const result = write(this.#nextEntry())
    if (result === false || typeof result === 'string') this.#kv.rollback()
    return { result, changes: this.#kvChanges() }
  }

  createSession(draft: Omit<SessionRecord, 'createIndex'>): Changes {
    const { index } = this.#nextEntry()
    this.#sessions.add({ ...draft, createIndex: index })
    return [SESSION_TOPIC + draft.id]
  }

  /** Ends a session, whatever for. Keys that it holds are freed or deleted, and closed for its lock-delay. */
  destroySession(id: string): Changes {
    const tx = this.#nextEntry()
    const session = this.#sessions.get(id)
    if (!session) return []
    this.#sessions.remove(tx.index, id)
    const delayMs = Math.min(session.lockDelayNs / 1e6, MAX_LOCK_DELAY_MS)
    for (const key of this.#kv.heldBy(id)) {
      if (session.behavior === 'delete') this.#kv.delete(tx.index, key)
      else dropLock(tx, key)
      if (delayMs > 0) this.#lockDelayUntilMs.set(key, this.#clock.now().monotonicMs + delayMs)
    }
    return [SESSION_TOPIC + id, ...this.#kvChanges()]
  }

  /** Puts a node into the catalog that was there all the time, but that nobody had asked for. */
  recall(node: Registration): void {
    this.#catalog.register(this.#raftIndex, node)
  }

  register(registration: Registration): CatalogChanges {
    return this.#catalog.register(this.#nextEntry().index, registration)
  }

  deregister(removal: Removal): CatalogChanges {
    return this.#catalog.remove(this.#nextEntry().index, removal)
  }

  /** Whether a lock-delay keeps a key closed. Only the leader looks, before a write goes to the log. */
  isInLockDelay(key: string): boolean {
    const untilMs = this.#lockDelayUntilMs.get(key)
    if (untilMs === undefined) return false
    if (untilMs > this.#clock.now().monotonicMs) return true
    this.#lockDelayUntilMs.delete(key)
    return false
  }

  forgetLockDelays(): void {
    this.#lockDelayUntilMs.clear()
  }

  snapshot(): Snapshot {
    return { raftIndex: this.#raftIndex, kv: this.#kv.copy(), sessions: this.#sessions.copy() }
  }

  /** Goes back; the raft log itself goes on, unless the whole cluster is another one (`rebuilt`). */
  restore(snapshot: Snapshot, rebuilt: boolean): void {
    this.#kv = snapshot.kv.copy()
    this.#sessions = snapshot.sessions.copy()
    this.#raftIndex = rebuilt ? snapshot.raftIndex : this.#raftIndex + 1
    this.forgetLockDelays()
  }

  /** Begins with what others have left; for a state that nothing has happened to. */
  load(raftIndex: number, kv: KvTable, sessions: SessionTable, catalog: CatalogTable): void {
    this.#raftIndex = raftIndex
    this.#kv = kv
    this.#sessions = sessions
    this.#catalog = catalog
  }

  /** For what only reads; the index of the last write. */
  reader(): WriteTxn {
    return { kv: this.#kv, index: this.#raftIndex, hasSession: (id) => this.#sessions.get(id) !== undefined }
  }

  #nextEntry(): WriteTxn {
    this.#raftIndex += 1
    this.#raftWrites += 1
    return this.reader()
  }

  #kvChanges(): Changes {
    return this.#kv.commit().map((key) => KV_TOPIC + key)
  }
}
