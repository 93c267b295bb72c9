import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster } from '../provide/cluster.ts'
import type { Random } from '../stage/random.ts'
import type { ConsulOperator } from './consul-operator.ts'
import { Follower, now, type Outcome, writeEntry } from './history-file.ts'
import type { HolderFault } from './holder-faults.ts'
import type { Host } from './host.ts'
import { type Life, Lives } from './lives.ts'
import type { LockToken } from './lock-token.ts'

/** Who and what the driver has at hand. */
export interface FaultDriverParts {
  readonly dir: string
  readonly cluster: Cluster
  readonly operator: ConsulOperator
  /** What the contenders show, where ACLs ask for it. */
  readonly token: LockToken | undefined
  readonly hosts: readonly Host[]
  readonly random: Random
  /** Hears what happens. */
  readonly tell: (line: string) => void
  readonly signal: AbortSignal
}

const LOOK_MS = 50
/** The command must have lived for so long: its runner and its guardian know of it. */
const SETTLED_IN_MS = 500
/** A command that still lives so long after the fault was healed, under the same session, has survived. */
const SURVIVAL_MS = 5000
/** Without a next command after so long, there will never be one: twice a TTL, the longest lock-delay, and some. */
const STUCK_MS = 150_000
/** For so long an overlap may show. */
const WITNESS_MS = 1500
/** Many short commands between two faults. */
const CHURN_MS = 2500

/** Injects faults one after the other, each into a command that would go on for long, and waits for its outcome. */
export class FaultDriver implements Disposable {
  readonly #parts: FaultDriverParts
  readonly #history: string
  readonly #follower: Follower
  readonly #lives = new Lives()
  #number = 0

  constructor(parts: FaultDriverParts) {
    this.#parts = parts
    this.#history = join(parts.dir, 'history')
    this.#follower = new Follower(this.#history)
  }

  /** Goes through decks of faults, each shuffled, until `ms` milliseconds are over. */
  async play(faults: readonly HolderFault[], ms: number): Promise<void> {
    const end = now() + ms
    await this.#churn()
    while (now() < end) {
      for (const fault of this.#parts.random.shuffled(faults)) {
        if (now() < end) await this.#inject(fault)
      }
    }
  }

  async #inject(fault: HolderFault): Promise<void> {
    const { tell, operator, token, hosts, cluster, random, signal } = this.#parts
    this.#order('long')
    const target = await this.#settledIn()
    const session = await operator.session()
    const index = hosts.findIndex(({ name }) => name === target.host)
    const host = hosts[index]
    const agent = cluster.agents[index]
    if (!host || !agent) throw new Error(`there is no ${target.host}`)
    const others = hosts.filter((other) => other !== host)
    const number = ++this.#number
    const at = now()
    writeEntry(this.#history, { at, event: 'fault', number, fault: fault.name, life: target.id })
    await fault.inject({ cluster, operator, token, random, host, runner: target.runner, agent, others })
    signal.throwIfAborted()
    writeEntry(this.#history, { at: now(), event: 'healed', number })
    const outcome = await this.#outcome(target, at, session)
    writeEntry(this.#history, { at: now(), event: 'settled', number, outcome })
    tell(`${number}. ${fault.name} on ${target.host}: ${outcome} after ${((now() - at) / 1000).toFixed(1)} s`)
    await this.#churn()
  }

  async #outcome(target: Life, faultAt: number, session: string | undefined): Promise<Outcome> {
    const healedAt = now()
    for (;;) {
      await this.#look()
      if (this.#lives.all.some(({ beganAt }) => beganAt > faultAt)) {
        await delay(WITNESS_MS, undefined, { signal: this.#parts.signal })
        return 'handed-over'
      }
      const lives = this.#lives.get(target.id)
      const isWell = lives && !lives.orphan && lives.lastAt > healedAt + SURVIVAL_MS
      if (isWell && (await this.#parts.operator.session()) === session) return 'survived'
      if (now() > healedAt + STUCK_MS) return 'stuck'
    }
  }

  /** The command of now, once it has run for a moment. */
  async #settledIn(): Promise<Life> {
    for (const end = now() + STUCK_MS; now() < end; ) {
      await this.#look()
      const newest = this.#lives.newest
      if (newest && !newest.ended && newest.lastAt - newest.beganAt > SETTLED_IN_MS) {
        if (newest.lastAt > now() - 4 * LOOK_MS) return newest
      }
    }
    throw new Error(`nobody has got the lock for ${STUCK_MS / 1000} s`)
  }

  async #churn(): Promise<void> {
    this.#order('short')
    const end = now() + CHURN_MS
    while (now() < end) await this.#look()
  }

  async #look(): Promise<void> {
    await delay(LOOK_MS, undefined, { signal: this.#parts.signal })
    for (const entry of this.#follower.news()) this.#lives.add(entry)
  }

  #order(order: 'short' | 'long'): void {
    writeFileSync(join(this.#parts.dir, 'order'), order)
  }

  [Symbol.dispose](): void {
    this.#follower[Symbol.dispose]()
  }
}
