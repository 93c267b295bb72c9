import type { Clock } from '../base/clock.ts'
import { KvTable } from './kv-table.ts'
import { dropLock, type Ledger } from './kv-verbs.ts'
import { type SessionRecord, SessionTable } from './session-table.ts'

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

/** What the servers agree on: keys and sessions under one raft index. And what each only remembers: lock-delays. */
export class State {
  readonly #clock: Clock
  #kv = new KvTable()
  #sessions = new SessionTable()
  #raftIndex = 10
  #raftWrites = 0
  readonly #closedUntilMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get kv(): KvTable {
    return this.#kv
  }

  get sessions(): SessionTable {
    return this.#sessions
  }

  get raftIndex(): number {
    return this.#raftIndex
  }

  /** Entries that went into the raft log so far. */
  get raftWrites(): number {
    return this.#raftWrites
  }

  /** Writes to keys. Nothing is written when `write` says `false`, or refuses in words. */
  apply<T>(write: (ledger: Ledger) => T): { readonly verdict: T; readonly changes: Changes } {
    const verdict = write(this.#nextEntry())
    if (verdict === false || typeof verdict === 'string') this.#kv.rollback()
    return { verdict, changes: this.#kvChanges() }
  }

  createSession(draft: Omit<SessionRecord, 'createIndex'>): Changes {
    const { index } = this.#nextEntry()
    this.#sessions.add({ ...draft, createIndex: index })
    return [SESSION_TOPIC + draft.id]
  }

  /** Ends a session, whatever for. Keys that it holds are freed or deleted, and closed for its lock-delay. */
  destroySession(id: string): Changes {
    const ledger = this.#nextEntry()
    const session = this.#sessions.get(id)
    if (!session) return []
    this.#sessions.remove(ledger.index, id)
    const delayMs = Math.min(session.lockDelayNs / 1e6, MAX_LOCK_DELAY_MS)
    for (const key of this.#kv.heldBy(id)) {
      if (session.behavior === 'delete') this.#kv.delete(ledger.index, key)
      else dropLock(ledger, key)
      if (delayMs > 0) this.#closedUntilMs.set(key, this.#clock.now().monotonicMs + delayMs)
    }
    return [SESSION_TOPIC + id, ...this.#kvChanges()]
  }

  /** Whether a lock-delay keeps a key closed. Only the leader looks, before a write goes to the log. */
  isClosed(key: string): boolean {
    const untilMs = this.#closedUntilMs.get(key)
    if (untilMs === undefined) return false
    if (untilMs > this.#clock.now().monotonicMs) return true
    this.#closedUntilMs.delete(key)
    return false
  }

  forgetLockDelays(): void {
    this.#closedUntilMs.clear()
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

  /** For what only reads; the index of the last write. */
  reader(): Ledger {
    return { kv: this.#kv, index: this.#raftIndex, hasSession: (id) => this.#sessions.get(id) !== undefined }
  }

  #nextEntry(): Ledger {
    this.#raftIndex += 1
    this.#raftWrites += 1
    return this.reader()
  }

  #kvChanges(): Changes {
    return this.#kv.commit().map((key) => KV_TOPIC + key)
  }
}
