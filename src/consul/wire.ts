/** One call of Consul's HTTP API. */
export interface ApiCall {
  readonly method: WireRequest['method']
  /** Encoded, from `/v1` on. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | true>>
  readonly body?: string
  /** The longest time to wait for the whole reply, in milliseconds. */
  readonly timeoutMs: number
  readonly longPoll?: boolean
  /** Statuses that the caller reads itself; all others but 200 are failures. */
  readonly expects?: readonly number[]
  /** As that of a `WireRequest`. */
  readonly receive?: (chunk: Buffer) => void
  /** The ACL rule that this call needs, for the hint of a 403. */
  readonly needs: string
}

/** One request, ready for the wire. */
export interface WireRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  /** Path and query, encoded. */
  readonly path: string
  readonly body?: string
  /** The ACL token that goes with it. */
  readonly token?: string
  /** Consul may hold it back until something changes. It has no effect, so that nothing is lost when it is given up. */
  readonly longPoll?: boolean
  /**
   * Gets the body of an answer with 200 as it comes, however long it is, and the reply has no text then. A transport
   * that has the text at hand may leave it there.
   */
  readonly receive?: (chunk: Buffer) => void
}

export interface WireReply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** What carries requests to an agent. The in-memory agent is another one. */
export interface Transport {
  /**
   * Settles with the whole reply. Rejects with the signal's reason when that aborts, and with an `unreachable` or
   * `not-consul` failure. The effect of a request that was rejected is unknown.
   */
  send(request: WireRequest, signal: AbortSignal): Promise<WireReply>
  close(): void
}
