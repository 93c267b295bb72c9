import type { Clock } from '../base/clock.ts'
import type { Registration, Removal } from './catalog/catalog-records.ts'
import type { CatalogChanges } from './catalog/catalog-table.ts'
import { member, serverMember } from './catalog/member.ts'
import type { WriteTxn } from './kv/kv-verbs.ts'
import { allChecks, type SessionRecord } from './session/session-table.ts'
import { SessionTimers } from './session/session-timers.ts'
import { type Changes, type Snapshot, State } from './state.ts'
import { loadImage } from './state-image.ts'
import type { StateImage } from './state-schema.ts'
import { Watches } from './watches.ts'

/** How a node stands in the catalog. Only a `passing` one gets sessions; leaving that state ends those it has. */
export type NodeHealth = 'passing' | 'critical' | 'missing'

export interface ServerOptions {
  readonly clock: Clock
  readonly random: () => number
  /** Sessions end at their TTL times a number from this range. Consul's own is 2 (structs.SessionTTLMultiplier). */
  readonly ttlFactor: readonly [low: number, high: number]
  /** Every session's end by TTL goes through here, to be put off while the servers sleep. */
  readonly whenAwake: (task: () => void) => void
  /** The node that is the server, and the address of all. */
  readonly node: string
  readonly address: string
  /** Something has changed that is worth keeping. */
  readonly onChange: () => void
}

/** The servers, as one: state, the leader's timers, who waits for what, the catalog's nodes. */
export class Server {
  readonly state: State
  readonly watches = new Watches()
  readonly #random: () => number
  readonly #ttlFactor: readonly [low: number, high: number]
  readonly #timers: SessionTimers
  readonly #address: string
  readonly #node: string
  readonly #onChange: () => void
  readonly #members = new Set<string>()
  #hasLeader = true
  #created = 0

  constructor({ clock, random, ttlFactor, whenAwake, node, address, onChange }: ServerOptions) {
    this.state = new State(clock)
    this.#random = random
    this.#ttlFactor = ttlFactor
    this.#address = address
    this.#node = node
    this.#onChange = onChange
    this.#timers = new SessionTimers(clock, (id) => whenAwake(() => this.#expire(id)))
    this.#members.add(node)
    this.state.recall(serverMember(node, address))
  }

  /** Writes to keys, and wakes who waits for them. Nothing is written when `write` gives `false` or words. */
  write<T>(write: (tx: WriteTxn) => T): T {
    const { result, changes } = this.state.apply(write)
    this.#tell(changes)
    return result
  }

  /** Creates a session under a new id, which it returns. */
  createSession(draft: Omit<SessionRecord, 'id' | 'createIndex'>): string {
    const session = { ...draft, id: this.#uuid() }
    const changes = this.state.createSession(session)
    this.resetTimer(session)
    this.#tell(changes)
    return session.id
  }

  /** Ends a session; one that is gone already is no error. */
  destroySession(id: string): void {
    this.#timers.stop(id)
    this.#tell(this.state.destroySession(id))
  }

  /** Lets a session live for its whole TTL, and the servers' grace, from now on. */
  resetTimer({ id, ttlMs }: Pick<SessionRecord, 'id' | 'ttlMs'>): void {
    if (ttlMs === 0) return
    const [low, high] = this.#ttlFactor
    this.#timers.arm(id, ttlMs * (low + (high - low) * this.#random()))
  }

  /** Why a node can't have a session with these checks now, in Consul's words. */
  obstacleToSession(node: string, checks: readonly string[]): string | undefined {
    const entry = this.state.catalog.get(node)
    if (!entry) return 'Missing node registration'
    const unknown = checks.find((check) => !entry.checks.has(check))
    if (unknown !== undefined) return `Missing check '${unknown}' registration`
    const critical = checks.find((check) => entry.checks.get(check)?.Status === 'critical')
    return critical === undefined ? undefined : `Check '${critical}' is in critical state`
  }

  /** Puts something into the catalog; words of Consul's when it can't. */
  register(registration: Registration): string | undefined {
    const obstacle = this.state.catalog.obstacleTo(registration)
    if (obstacle === undefined) this.#tellOfCatalog(this.state.register(registration))
    return obstacle
  }

  /** Takes something out of the catalog. */
  deregister(removal: Removal): void {
    this.#tellOfCatalog(this.state.deregister(removal))
    const { node, serviceId, checkId } = removal
    if (serviceId === undefined && checkId === undefined) this.#destroySessions((session) => session.node === node)
  }

  /** Something has changed that is worth keeping, and that nobody waits for. */
  changed(): void {
    this.#onChange()
  }

  /** An agent on this node has been heard of; nothing changes when it was before. */
  join(node: string): void {
    if (this.#members.has(node)) return
    this.#members.add(node)
    this.state.recall(member(node, this.#address))
  }

  /** Sets a node's health, and ends the sessions that depended on a better one. */
  setNode(node: string, health: NodeHealth): void {
    this.#members.add(node)
    if (health === 'missing') this.deregister({ node })
    else this.register(member(node, this.#address, health))
  }

  /** While there is no leader nobody counts the sessions' time. */
  setLeader(hasLeader: boolean): void {
    this.#hasLeader = hasLeader
    this.changeLeader()
  }

  /** A new leader knows no timers: every session's time begins anew. */
  changeLeader(): void {
    this.#timers.stopAll()
    if (this.#hasLeader) for (const session of this.state.sessions.list()) this.resetTimer(session)
  }

  restore(snapshot: Snapshot, rebuilt: boolean): void {
    this.state.restore(snapshot, rebuilt)
    this.changeLeader()
  }

  #expire(id: string): void {
    if (this.#hasLeader) this.destroySession(id)
  }

  /** Begins with what another one left: as after a restart every session has its whole time again. */
  load(image: StateImage): void {
    loadImage(this.state, image)
    this.register(serverMember(this.#node, this.#address))
    this.changeLeader()
  }

  #tellOfCatalog({ topics, lost }: CatalogChanges): void {
    for (const { node, checkId } of lost) {
      this.#destroySessions((session) => session.node === node && allChecks(session).includes(checkId))
    }
    this.#tell(topics)
  }

  #destroySessions(isLost: (session: SessionRecord) => boolean): void {
    for (const session of this.state.sessions.list()) if (isLost(session)) this.destroySession(session.id)
  }

  #tell(changes: Changes): void {
    for (const name of changes) this.watches.changed(name)
    this.#onChange()
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
