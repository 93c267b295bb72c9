import type { Clock } from '../base/clock.ts'
import type { Ledger } from './kv-verbs.ts'
import type { SessionRecord } from './session-table.ts'
import { SessionTimers } from './session-timers.ts'
import { type Changes, type Snapshot, State } from './state.ts'
import { Watches } from './watches.ts'

/** How a node stands in the catalog. Only a `passing` one gets sessions; leaving that state ends those it has. */
export type NodeHealth = 'passing' | 'critical' | 'missing'

/** The check that a session is bound to unless it says otherwise: whether the agent's machine answers to gossip. */
const SERF_HEALTH = 'serfHealth'

export interface ServerOptions {
  readonly clock: Clock
  readonly random: () => number
  /** Sessions end at their TTL times a number from this range. Consul's own is 2 (structs.SessionTTLMultiplier). */
  readonly ttlFactor: readonly [low: number, high: number]
  /** Every session's end by TTL goes through here, to be put off while the servers sleep. */
  readonly whenAwake: (task: () => void) => void
}

/** The servers, as one: state, the leader's timers, who waits for what, the catalog's nodes. */
export class Server {
  readonly state: State
  readonly watches = new Watches()
  readonly #random: () => number
  readonly #ttlFactor: readonly [low: number, high: number]
  readonly #timers: SessionTimers
  readonly #nodes = new Map<string, NodeHealth>()
  #hasLeader = true
  #created = 0

  constructor({ clock, random, ttlFactor, whenAwake }: ServerOptions) {
    this.state = new State(clock)
    this.#random = random
    this.#ttlFactor = ttlFactor
    this.#timers = new SessionTimers(clock, (id) => whenAwake(() => this.#expire(id)))
  }

  /** Writes to keys, and wakes who waits for them. Nothing is written when `write` gives `false` or words. */
  write<T>(write: (ledger: Ledger) => T): T {
    const { verdict, changes } = this.state.apply(write)
    this.#tell(changes)
    return verdict
  }

  /** Creates a session under a new id, which it returns. */
  createSession(draft: Omit<SessionRecord, 'id' | 'createIndex'>): string {
    const session = { ...draft, id: this.#uuid() }
    const changes = this.state.createSession(session)
    this.rearm(session)
    this.#tell(changes)
    return session.id
  }

  /** Ends a session; one that is gone already is no error. */
  destroySession(id: string): void {
    this.#timers.stop(id)
    this.#tell(this.state.destroySession(id))
  }

  /** Lets a session live for its whole TTL, and the servers' grace, from now on. */
  rearm({ id, ttlMs }: Pick<SessionRecord, 'id' | 'ttlMs'>): void {
    if (ttlMs === 0) return
    const [low, high] = this.#ttlFactor
    this.#timers.arm(id, ttlMs * (low + (high - low) * this.#random()))
  }

  /** Why a node can't have a session with these checks now, in Consul's words. */
  obstacleToSession(node: string, checks: readonly string[]): string | undefined {
    const health = this.#nodes.get(node) ?? 'missing'
    if (health === 'missing') return 'Missing node registration'
    const unknown = checks.find((check) => check !== SERF_HEALTH)
    if (unknown !== undefined) return `Missing check '${unknown}' registration`
    if (health === 'critical' && checks.length > 0) return `Check '${SERF_HEALTH}' is in critical state`
    return undefined
  }

  /** An agent on this node has been heard of; nothing changes when it was before. */
  join(node: string): void {
    if (!this.#nodes.has(node)) this.#nodes.set(node, 'passing')
  }

  /** Sets a node's health, and ends the sessions that depended on a better one. */
  setNode(node: string, health: NodeHealth): void {
    this.#nodes.set(node, health)
    if (health === 'passing') return
    for (const session of this.state.sessions.list()) {
      if (session.node !== node) continue
      if (health === 'missing' || session.checks.includes(SERF_HEALTH)) this.destroySession(session.id)
    }
  }

  /** While there is no leader nobody counts the sessions' time. */
  setLeader(hasLeader: boolean): void {
    this.#hasLeader = hasLeader
    this.changeLeader()
  }

  /** A new leader knows no timers: every session's time begins anew. */
  changeLeader(): void {
    this.#timers.stopAll()
    if (this.#hasLeader) for (const session of this.state.sessions.list()) this.rearm(session)
  }

  restore(snapshot: Snapshot, rebuilt: boolean): void {
    this.state.restore(snapshot, rebuilt)
    this.changeLeader()
  }

  #expire(id: string): void {
    if (this.#hasLeader) this.destroySession(id)
  }

  #tell(changes: Changes): void {
    for (const name of changes) this.watches.changed(name)
  }

  /** Random, but never twice the same, whatever `random` gives. */
  #uuid(): string {
    this.#created += 1
    const [a, b] = [hex(Math.floor(this.#random() * 2 ** 32), 8), hex(Math.floor(this.#random() * 2 ** 32), 8)]
    return `${a}-${b.slice(0, 4)}-${b.slice(4)}-0000-${hex(this.#created, 12)}`
  }
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0')
}
