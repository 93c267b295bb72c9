/** A session as the servers keep it. */
export interface SessionRecord {
  readonly id: string
  readonly name: string
  readonly node: string
  /** As it was given; `ttlMs` is what it means, 0 for none. */
  readonly ttl: string
  readonly ttlMs: number
  readonly lockDelayNs: number
  readonly behavior: 'release' | 'delete'
  readonly checks: readonly string[]
  readonly createIndex: number
}

/** All sessions. */
export class SessionTable {
  #sessions = new Map<string, SessionRecord>()
  #index = 0

  /** The raft index of the last creation or destruction. */
  get index(): number {
    return this.#index
  }

  get(id: string): SessionRecord | undefined {
    return this.#sessions.get(id)
  }

  /** In the order of their ids, as Consul lists them. */
  list(): SessionRecord[] {
    return [...this.#sessions.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  add(session: SessionRecord): void {
    this.#sessions.set(session.id, session)
    this.#index = session.createIndex
  }

  remove(raftIndex: number, id: string): void {
    if (this.#sessions.delete(id)) this.#index = raftIndex
  }

  /** A copy that stands still. */
  copy(): SessionTable {
    const copy = new SessionTable()
    copy.#sessions = new Map(this.#sessions)
    copy.#index = this.#index
    return copy
  }
}

/** A session's JSON; its lock-delay is in nanoseconds there. */
export function sessionJson(session: SessionRecord): string {
  const { id, name, node, ttl, lockDelayNs, behavior, checks, createIndex } = session
  return JSON.stringify({
    ID: id,
    Name: name,
    Node: node,
    LockDelay: lockDelayNs,
    Behavior: behavior,
    TTL: ttl,
    NodeChecks: checks,
    ServiceChecks: null,
    CreateIndex: createIndex,
    ModifyIndex: createIndex,
  })
}
