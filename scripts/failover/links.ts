import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'

/** The end of a link that others connect to, and the port behind it on the same address. */
export interface LinkEnd {
  readonly address: string
  readonly port: number
  readonly target: number
}

/** What nodes say to each other goes through here, so that one of them can be cut off from all others. */
export class Links implements Disposable {
  readonly #close: (() => void)[] = []
  readonly #pairs = new Set<Pair>()
  #cutOff: string | undefined

  /** Listens at a port, and leads from there to another one. Whoever connects must do it from its own address. */
  async open({ address, port, target }: LinkEnd): Promise<void> {
    const server = createServer((incoming) => this.#connect(incoming, address, target))
    await once(server.listen(port, address), 'listening')
    this.#close.push(() => server.close())
  }

  /** Whatever goes to this address or comes from it vanishes from now on, but for what it says to itself. */
  cut(address: string): void {
    this.#cutOff = address
    for (const pair of this.#pairs) if (this.#crosses(pair)) pair.stall()
  }

  /** All is as before, over new connections. */
  heal(): void {
    for (const pair of this.#pairs) if (this.#crosses(pair)) pair.end()
    this.#cutOff = undefined
  }

  [Symbol.dispose](): void {
    for (const close of this.#close) close()
    for (const pair of this.#pairs) pair.end()
  }

  #connect(incoming: Socket, address: string, target: number): void {
    const pair = new Pair(incoming, address, target, () => this.#pairs.delete(pair))
    this.#pairs.add(pair)
    if (this.#crosses(pair)) pair.stall()
  }

  #crosses({ from, to }: Pair): boolean {
    return from !== to && (from === this.#cutOff || to === this.#cutOff)
  }
}

/** Two connections that are one for those at their ends. */
class Pair {
  readonly from: string
  readonly to: string
  readonly #sockets: readonly [Socket, Socket]

  constructor(incoming: Socket, address: string, target: number, ended: () => void) {
    const outgoing = createConnection({ host: address, port: target, localAddress: incoming.remoteAddress })
    this.from = incoming.remoteAddress ?? ''
    this.to = address
    this.#sockets = [incoming, outgoing]
    const end = () => {
      this.end()
      ended()
    }
    for (const socket of this.#sockets) socket.setNoDelay().on('error', end).on('close', end)
    incoming.pipe(outgoing)
    outgoing.pipe(incoming)
  }

  stall(): void {
    const [incoming, outgoing] = this.#sockets
    incoming.unpipe(outgoing).pause()
    outgoing.unpipe(incoming).pause()
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
