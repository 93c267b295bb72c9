import { setTimeout as delay } from 'node:timers/promises'
import type { Connection } from './app.ts'
import type { ClusterObserver } from './cluster-observer.ts'
import type { Acknowledged } from './judge.ts'
import type { Member } from './system.ts'

const PAUSE_MS = 10
const ANSWER_LIMIT_MS = 500

/** A client as any other: it writes to the node that it is sent to, one number after the other, and tries again. */
export class WritingClient implements AsyncDisposable {
  readonly set: string
  readonly acknowledged: Acknowledged[] = []
  readonly #observer: ClusterObserver
  readonly #nodes: ReadonlyMap<string, Member>
  readonly #end = new AbortController()
  readonly #work: Promise<void>

  constructor(set: string, observer: ClusterObserver, nodes: readonly Member[]) {
    this.set = set
    this.#observer = observer
    this.#nodes = new Map(nodes.map((node) => [node.name, node]))
    this.#work = this.#run()
  }

  /** The node that acknowledged last. */
  get node(): string | undefined {
    return this.acknowledged.at(-1)?.node
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    await this.#work
  }

  async #run(): Promise<void> {
    let connection: Connection | undefined
    let node = ''
    for (let number = 0; !this.#end.signal.aborted; number++) {
      const [master = ''] = this.#observer.masters
      if (master !== node) {
        connection?.close()
        connection = undefined
        node = master
      }
      try {
        connection ??= await this.#nodes.get(node)?.app.connect()
        if (connection && (await this.#answered(connection.write(this.set, number)))) {
          this.acknowledged.push({ number, at: Date.now(), node })
        }
      } catch {
        connection?.close()
        connection = undefined
      }
      await delay(PAUSE_MS)
    }
    connection?.close()
  }

  async #answered(write: Promise<number>): Promise<boolean> {
    const end = new AbortController()
    const late = delay(ANSWER_LIMIT_MS, undefined, { signal: end.signal }).then(
      () => Promise.reject(new Error('no answer')),
      () => {},
    )
    try {
      await Promise.race([write, late])
      return true
    } finally {
      end.abort()
      write.catch(() => {})
    }
  }
}
