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
  /** Checks of its node, and of services there: it ends when one of them is critical, or gone. */
  readonly checks: readonly string[]
  readonly serviceChecks: readonly string[]
  readonly olderChecks: readonly string[]
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

  static of(index: number, sessions: readonly SessionRecord[]): SessionTable {
    const table = new SessionTable()
    for (const session of sessions) table.add(session)
    table.#index = index
    return table
  }

  /** A copy that stands still. */
  copy(): SessionTable {
    const copy = new SessionTable()
    copy.#sessions = new Map(this.#sessions)
    copy.#index = this.#index
    return copy
  }
}

/** The ids of all checks that a session is bound to. */
export function allChecks(of: Pick<SessionRecord, 'checks' | 'serviceChecks' | 'olderChecks'>): readonly string[] {
  return [...of.checks, ...of.serviceChecks, ...of.olderChecks]
}

/** A session's JSON; its lock-delay is in nanoseconds there. */
export function sessionJson(session: SessionRecord): string {
  const { id, name, node, ttl, lockDelayNs, behavior, checks, serviceChecks, olderChecks, createIndex } = session
  return JSON.stringify({
    ID: id,
    Name: name,
    Node: node,
    LockDelay: lockDelayNs,
    Behavior: behavior,
    TTL: ttl,
    NodeChecks: checks,
    ServiceChecks: serviceChecks.length === 0 ? null : serviceChecks.map((id) => ({ ID: id, Namespace: '' })),
    ...(olderChecks.length > 0 && { Checks: olderChecks }),
    CreateIndex: createIndex,
    ModifyIndex: createIndex,
  })
}
