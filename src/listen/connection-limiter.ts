/** How many connections there may be. */
export interface ConnectionLimits {
  readonly all: number
  readonly perPeer: number
}

/**
 * The connections of a listener. When there are too many, of one peer or in all, the one goes that has been idle for
 * the longest time: a stranger that holds connections open, or never ends a request, keeps nobody else out.
 */
export class ConnectionLimiter<Connection> {
  readonly #limits: ConnectionLimits
  /** In the order of their last answer, or of a stream's beginning. */
  readonly #members = new Map<Connection, { readonly peer: string; works: number; streams: boolean }>()
  readonly #sizes = new Map<string, number>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  /** Takes in a connection; gives the one that has to go for it: itself, when all others are being answered. */
  admit(connection: Connection, peer: string): Connection | undefined {
    const isCrowded = this.#sizeOf(peer) >= this.#limits.perPeer
    const isFull = this.#members.size >= this.#limits.all
    const leaver = isCrowded ? this.#idlest(peer) : isFull ? this.#idlest(undefined) : undefined
    if ((isCrowded || isFull) && leaver === undefined) return connection
    if (leaver !== undefined) this.leave(leaver)
    this.#members.set(connection, { peer, works: 0, streams: false })
    this.#sizes.set(peer, this.#sizeOf(peer) + 1)
    return leaver
  }

  /** Whether an answer to it is being worked on. */
  isBusy(connection: Connection): boolean {
    return (this.#members.get(connection)?.works ?? 0) > 0
  }

  /** An answer to this connection is being worked on from now on; it doesn't have to go meanwhile. */
  begin(connection: Connection): void {
    const member = this.#members.get(connection)
    if (member) member.works += 1
  }

  /** That answer has been given, or needs more from the other side first. */
  end(connection: Connection): void {
    const member = this.#members.get(connection)
    if (!member) return
    member.works -= 1
    this.#members.delete(connection)
    this.#members.set(connection, member)
  }

  /** The answer goes on for as long as the other side likes: it has to go for others, as if it were idle. */
  stream(connection: Connection): void {
    const member = this.#members.get(connection)
    if (!member) return
    member.streams = true
    this.#members.delete(connection)
    this.#members.set(connection, member)
  }

  leave(connection: Connection): void {
    const member = this.#members.get(connection)
    if (!member) return
    this.#members.delete(connection)
    const left = this.#sizeOf(member.peer) - 1
    if (left > 0) this.#sizes.set(member.peer, left)
    else this.#sizes.delete(member.peer)
  }

  #sizeOf(peer: string): number {
    return this.#sizes.get(peer) ?? 0
  }

  #idlest(peer: string | undefined): Connection | undefined {
    for (const [connection, member] of this.#members) {
      const mayGo = member.works === 0 || member.streams
      if (mayGo && (peer === undefined || member.peer === peer)) return connection
    }
    return undefined
  }
}
