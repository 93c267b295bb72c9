import { setTimeout as delay } from 'node:timers/promises'
import type { App, Connection } from './app.ts'
import type { Acceptance, HolderChange } from './judge.ts'
import type { FailoverCluster, System } from './system.ts'

const PROBE_MS = 50
const RECONNECT_MS = 100

/** From `at` on, clients were sent to these nodes. */
export interface Sighting {
  readonly at: number
  readonly masters: readonly string[]
}

/** From `at` on, this node's application took connections, or did not. */
export interface Contact {
  readonly at: number
  readonly node: string
  readonly isThere: boolean
}

/**
 * Watches a cluster from outside, from its start to its disposal: who has the lead and where clients are sent, as the
 * system tells it, and which nodes take writes, whatever anybody says of them.
 */
export class ClusterObserver implements AsyncDisposable {
  readonly holderChanges: HolderChange[] = []
  readonly sightings: Sighting[] = []
  readonly acceptances: Acceptance[] = []
  readonly contacts: Contact[] = []
  readonly #end = new AbortController()
  readonly #work: Promise<unknown>

  constructor(system: System, cluster: FailoverCluster) {
    const sights = {
      holder: (node: string | undefined) => this.#seeHolder(node),
      masters: (nodes: readonly string[]) => this.#seeMasters(nodes),
    }
    this.#work = Promise.all([
      system.watch(cluster, sights, this.#end.signal),
      ...cluster.nodes.map(({ name, app }) => this.#probe(name, app)),
    ])
  }

  /** The nodes that clients are sent to now. */
  get masters(): readonly string[] {
    return this.sightings.at(-1)?.masters ?? []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    await this.#work
  }

  #seeHolder(node: string | undefined): void {
    if (this.holderChanges.length === 0 || node !== this.holderChanges.at(-1)?.node)
      this.holderChanges.push({ at: Date.now(), node })
  }

  #seeMasters(nodes: readonly string[]): void {
    const masters = nodes.toSorted()
    if (masters.join() !== this.masters.join()) this.sightings.push({ at: Date.now(), masters })
  }

  #seeContact(node: string, isThere: boolean): void {
    const last = this.contacts.findLast((contact) => contact.node === node)
    if (last?.isThere !== isThere) this.contacts.push({ at: Date.now(), node, isThere })
  }

  /** Tries to write all the time. Answers that come late count too: they tell when the write was accepted. */
  async #probe(node: string, app: App): Promise<void> {
    let connection: Connection | undefined
    const { signal } = this.#end
    signal.addEventListener('abort', () => connection?.close())
    for (let n = 0; !signal.aborted; n++) {
      try {
        connection ??= await app.connect()
        this.#seeContact(node, true)
        this.acceptances.push({ at: await connection.write(`probe-${node}`, n), node })
      } catch (error) {
        if (!connection) this.#seeContact(node, false)
        if ((error as Error).message.includes('connection')) {
          connection?.close()
          connection = undefined
        }
      }
      await delay(connection ? PROBE_MS : RECONNECT_MS, undefined, { signal }).catch(() => {})
    }
    connection?.close()
  }
}
