import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** What happened at an agent. */
export interface Traffic {
  /** HTTP requests that were answered; a long poll counts when it ends. */
  readonly requests: number
  /** Entries that went into the raft log. */
  readonly raftWrites: number
}

/** The same, and how many bytes the agent took to tell it. */
export interface Told extends Traffic {
  readonly toldBytes: number
}

/** The agent's packets leave after 100 ms at the latest. */
const QUIET_MS = 300

/**
 * Counts what an agent does, without standing in its way: the agent sends each count as a statsd packet. Hand
 * `settings` to the agent as its configuration.
 */
export class Telemetry implements AsyncDisposable {
  readonly settings: Record<string, unknown>
  readonly #socket: Socket
  #counts = new Map<string, number>()
  #bytes = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    const { port } = socket.address() as AddressInfo
    this.settings = { telemetry: { statsd_address: `127.0.0.1:${port}`, disable_hostname: true } }
    socket.on('message', (packet) => {
      this.#bytes += packet.length
      for (const line of packet.toString().split('\n')) this.#count(line)
    })
  }

  static async start(): Promise<Telemetry> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return new Telemetry(socket)
  }

  /** What happens while `work` is done, and until its last packet has come. */
  async during(work: () => Promise<void>): Promise<Told> {
    await delay(QUIET_MS)
    this.#counts = new Map()
    this.#bytes = 0
    await work()
    await delay(QUIET_MS)
    // Consul counts requests under another name since 1.9, and for a while under both.
    const requests = Math.max(this.#sum(/^consul\.http\./), this.#sum(/^consul\.api\.http\./))
    return { requests, raftWrites: this.#sum(/^consul\.raft\.apply$/), toldBytes: this.#bytes }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }

  #count(line: string): void {
    const [, name, value, kind] = /^([^:]+):([\d.]+)\|(\w+)/.exec(line) ?? []
    if (name === undefined) return
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + (kind === 'c' ? Number(value) : 1))
  }

  #sum(names: RegExp): number {
    return [...this.#counts].reduce((sum, [name, count]) => (names.test(name) ? sum + count : sum), 0)
  }
}
