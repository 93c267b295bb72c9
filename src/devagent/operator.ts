import { textAnswer } from './answers.ts'
import type { BlockedReads } from './blocked-reads.ts'
import type { KvEntry } from './kv/kv-entry.ts'
import * as verbs from './kv/kv-verbs.ts'
import type { RequestGate } from './request-gate.ts'
import type { NodeHealth, Server } from './server.ts'
import type { SessionRecord } from './session/session-table.ts'
import type { Snapshot } from './state.ts'

/** What people, machines and fate do to a cluster; all of it takes effect at once. */
export class Operator {
  readonly #server: Server
  readonly #blocked: BlockedReads
  readonly #gate: RequestGate

  constructor(server: Server, blocked: BlockedReads, gate: RequestGate) {
    this.#server = server
    this.#blocked = blocked
    this.#gate = gate
  }

  /** The key as it stands. */
  entry(key: string): KvEntry | undefined {
    return this.#server.state.kv.get(key)
  }

  /** The session that holds a key. */
  holder(key: string): string | undefined {
    return this.entry(key)?.session || undefined
  }

  /** All sessions, in the order of their ids. */
  sessions(): readonly SessionRecord[] {
    return this.#server.state.sessions.list()
  }

  /** Lock-delays apply. */
  destroySession(id: string): void {
    this.#server.destroySession(id)
  }

  /** Frees a lock without any lock-delay. */
  deleteKey(key: string): void {
    this.#server.write(({ kv, index }) => kv.delete(index, key))
  }

  /** As `consul kv put -release`: frees a lock without any lock-delay, and leaves neither value nor flags. */
  forceRelease(key: string): void {
    const session = this.holder(key)
    if (session) this.#server.write((tx) => verbs.unlock(tx, { key, value: '', flags: 0n }, session))
  }

  /** `critical` ends the node's sessions that are bound to its health, `missing` all of them. */
  setNode(node: string, health: NodeHealth): void {
    this.#server.setNode(node, health)
  }

  /** Takes the leader away, or elects one again. Meanwhile nothing is written and no session expires. */
  leaderless(on: boolean): void {
    this.#server.setLeader(!on)
    this.#gate.setLeader(!on)
  }

  /** Another server leads: sessions' timers begin anew. */
  changeLeader(): void {
    this.#server.changeLeader()
  }

  /** All servers start again. Blocked reads break off; lock-delays are forgotten unless told otherwise. */
  restartServers({ forgetLockDelays = true } = {}): void {
    if (forgetLockDelays) this.#server.state.forgetLockDelays()
    this.#server.changeLeader()
    this.#blocked.dropAll(textAnswer(500, 'rpc error making call: EOF').reply)
  }

  snapshot(): Snapshot {
    return this.#server.state.snapshot()
  }

  /**
   * Takes the state back to a snapshot. Keys' indexes go backwards; with `rebuilt` (another cluster, from a backup)
   * new ones do, too. Lock-delays are forgotten, and blocked reads return with what they saw before.
   */
  restoreSnapshot(snapshot: Snapshot, { rebuilt = false } = {}): void {
    this.#server.restore(snapshot, rebuilt)
    this.#blocked.giveInAll()
  }

  /** Blocked reads return though nothing changed, as they are allowed to. */
  stirBlockedReads(): void {
    this.#blocked.stirAll()
  }

  /** Agent and servers stop as by SIGSTOP: requests pile up, and sessions that are over don't end. */
  sleep(): void {
    this.#gate.sleep()
  }

  /** What piled up is done, in its order. */
  wake(): void {
    this.#gate.wake()
  }
}
