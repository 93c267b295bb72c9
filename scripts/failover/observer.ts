import { setTimeout as delay } from 'node:timers/promises'
import type { App, Connection } from './app.ts'
import type { Acceptance, Tenure } from './judge.ts'
import type { LabNode } from './node.ts'

const PROBE_MS = 50
const AGAIN_MS = 20
const RECONNECT_MS = 100

/** What was seen of the catalog: the nodes with the tag `master` from `at` on. */
export interface Sighting {
  readonly at: number
  readonly masters: readonly string[]
}

/**
 * Watches a cluster from outside, from its start to its disposal: who holds the lock, who is tagged as master, and
 * which nodes take writes, whatever their tag. It asks a Consul server, and the applications directly.
 */
export class Observer implements AsyncDisposable {
  readonly tenures: Tenure[] = []
  readonly sightings: Sighting[] = []
  readonly acceptances: Acceptance[] = []
  readonly #server: string
  readonly #end = new AbortController()
  readonly #work: Promise<unknown>

  constructor(server: string, service: string, nodes: readonly LabNode[]) {
    this.#server = server
    this.#work = Promise.all([
      this.#watch<KeyEntry>(`/v1/kv/lock/${service}/leader`, (entries) => this.#seeHolder(entries)),
      this.#watch<ServiceEntry>(`/v1/health/service/${service}?passing&tag=master`, (entries) =>
        this.#seeMasters(entries),
      ),
      ...nodes.map(({ name, app }) => this.#probe(name, app)),
    ])
  }

  /** The nodes that are tagged as master now. */
  get masters(): readonly string[] {
    return this.sightings.at(-1)?.masters ?? []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    await this.#work
  }

  #seeHolder(entries: readonly KeyEntry[]): void {
    const [entry] = entries
    const held = entry?.Session ? JSON.parse(Buffer.from(entry.Value ?? '', 'base64').toString()) : undefined
    const node: string | undefined = held?.node
    if (this.tenures.length === 0 || node !== this.tenures.at(-1)?.node) this.tenures.push({ at: Date.now(), node })
  }

  #seeMasters(entries: readonly ServiceEntry[]): void {
    const masters = entries.map((entry) => entry.Node.Node).sort()
    if (masters.join() !== this.masters.join()) this.sightings.push({ at: Date.now(), masters })
  }

  async #watch<T>(path: string, see: (entries: T[]) => void): Promise<void> {
    let index = 0
    while (!this.#end.signal.aborted) {
      try {
        const url = `${this.#server}${path}${path.includes('?') ? '&' : '?'}index=${index}&wait=30s`
        const response = await fetch(url, { signal: this.#end.signal })
        if (!response.ok && response.status !== 404) throw new Error(await response.text())
        see(response.status === 404 ? [] : ((await response.json()) as T[]))
        index = Number(response.headers.get('x-consul-index'))
      } catch {
        await delay(AGAIN_MS, undefined, { signal: this.#end.signal }).catch(() => {})
      }
    }
  }

  /** Tries to write all the time. Answers that come late count too: they tell when the write was accepted. */
  async #probe(node: string, app: App): Promise<void> {
    let connection: Connection | undefined
    const { signal } = this.#end
    signal.addEventListener('abort', () => connection?.close())
    for (let n = 0; !signal.aborted; n++) {
      try {
        connection ??= await app.connect()
        this.acceptances.push({ at: await connection.write(`probe-${node}`, n), node })
      } catch (error) {
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

interface KeyEntry {
  readonly Session?: string
  readonly Value: string | null
}

interface ServiceEntry {
  readonly Node: { readonly Node: string }
}
