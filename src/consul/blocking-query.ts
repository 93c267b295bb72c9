import type { Context } from '../base/context.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from './consul.ts'
import { indexIn } from './fields.ts'
import type { ApiCall, WireReply } from './wire.ts'

/** How long Consul holds a blocking query back where nobody has to look sooner, in milliseconds. */
export const LONG_POLL_MS = 30_000

/** Load balancers close what is silent for longer. */
const LONGEST_POLL_MS = 60_000
/** Consul takes a wait of 0 for its default, which is 5 minutes. */
const SHORTEST_POLL_MS = 10

/** From where a read waits for a change; https://developer.hashicorp.com/consul/api-docs/features/blocking */
export interface QueryOptions {
  /** Waits until the index passes this one; 0 answers at once. */
  readonly index?: number
  /** The longest wait on the server's side, in milliseconds; from 10 ms to 60 s count. */
  readonly waitMs?: number
  /** Asks the leader, and has it verify that it is one. */
  readonly consistent?: boolean
}

/** What makes a call a blocking query; with index 0 it is an ordinary one. */
export function queryCall({ index = 0, waitMs = 0, consistent = false }: QueryOptions) {
  const isConsistent = consistent ? { consistent } : {}
  if (index === 0) return { query: isConsistent, timeoutMs: REQUEST_TIMEOUT_MS, longPoll: false }
  const heldMs = Math.round(Math.min(LONGEST_POLL_MS, Math.max(SHORTEST_POLL_MS, waitMs)))
  return {
    query: { ...isConsistent, index: String(index), wait: `${heldMs}ms` },
    // The server adds up to a sixteenth of the wait, so that waiters don't all wake at once.
    timeoutMs: heldMs + heldMs / 16 + REQUEST_TIMEOUT_MS,
    longPoll: true,
  } satisfies Partial<ApiCall>
}

/**
 * The index to wait from after this reply. One that went backwards (a restored snapshot) means: start again. Throws a
 * `not-consul` failure when there is none.
 */
export function nextIndex(consul: Consul, reply: WireReply, { index = 0 }: QueryOptions): number {
  const answered = indexIn(reply.headers['x-consul-index'])
  if (answered === undefined) throw consul.protocolError('an answer without X-Consul-Index')
  consul.confirmed = true
  return answered < index ? 0 : Math.max(answered, 1)
}

type Read<T> = (ctx: Context, from: { readonly index: number; readonly waitMs: number }) => Promise<T>

/**
 * One thing at Consul, read again and again, each time when it changes. An index counts for one read alone: what is
 * tried again after a failure begins anew, for the index may belong to a past that was undone.
 */
export class BlockingQuery<T extends { readonly index: number }> {
  readonly #read: Read<T>
  #index: number

  /** The first read waits from `index`; 0 answers at once. */
  constructor(read: Read<T>, index = 0) {
    this.#read = read
    this.#index = index
  }

  /** Reads when it changes, or after `waitMs`: a return doesn't mean a change. Settles and rejects as the read does. */
  async next(ctx: Context, waitMs = LONG_POLL_MS): Promise<T> {
    const index = this.#index
    this.#index = 0
    const answer = await this.#read(ctx, { index, waitMs })
    this.#index = answer.index
    return answer
  }

  /** Has the next read answer at once. */
  restart(): void {
    this.#index = 0
  }
}
