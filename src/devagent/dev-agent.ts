import { unlessAborted } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import type { Transport, WireReply, WireRequest } from '../consul/wire.ts'
import { BlockedReads } from './blocked-reads.ts'
import { kvEndpoint } from './kv-endpoint.ts'
import { Operator } from './operator.ts'
import { json, words } from './reply.ts'
import { type AgentRequest, type Answer, type Proposal, parseBlocking, parseRequest } from './request.ts'
import { Server } from './server.ts'
import { sessionEndpoint } from './session-endpoint.ts'
import { Turnstile } from './turnstile.ts'
import { txnEndpoint } from './txn-endpoint.ts'

export interface DevAgentOptions {
  readonly clock: Clock
  /** A number in [0, 1): ids, jitter. */
  readonly random: () => number
  /** Sessions end at their TTL times a number from this range; 2 to 2.02 by default, as the real ones do. */
  readonly ttlFactor?: readonly [low: number, high: number]
  /** How long a request waits for a leader before it gets a 500; Consul's `rpc_hold_timeout`, 7 s by default. */
  readonly holdMs?: number
  /** How long a transaction takes from the leader's look at it to its turn in the log, in milliseconds; 0 by default. */
  readonly commitMs?: () => number
}

type Endpoint = (server: Server, request: AgentRequest) => Answer | Proposal

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  kv: kvEndpoint,
  session: sessionEndpoint,
  txn: txnEndpoint,
}

const NODE = 'dev'
const LEADER = '"127.0.0.1:8300"'
const JITTER_FRACTION = 16

/**
 * Consul in memory: the agents of any number of nodes and the servers behind them, as far as sessions, keys and
 * transactions go. Held to the real one by test/contract. Everything happens at the instant of the call, but for what
 * waits on the clock, and for the log if that takes its time.
 */
export class DevAgent {
  /** What is done to it from outside of HTTP. */
  readonly operator: Operator
  readonly #random: () => number
  readonly #server: Server
  readonly #blocked: BlockedReads
  readonly #turnstile: Turnstile
  readonly #clock: Clock
  readonly #commitMs: () => number
  #requests = 0

  constructor({ clock, random, ttlFactor = [2, 2.02], holdMs = 7000, commitMs = () => 0 }: DevAgentOptions) {
    this.#clock = clock
    this.#random = random
    this.#commitMs = commitMs
    this.#turnstile = new Turnstile(clock, holdMs)
    const whenAwake = (task: () => void) => this.#turnstile.whenAwake(task)
    this.#server = new Server({ clock, random, ttlFactor, whenAwake })
    this.#server.join(NODE)
    this.#blocked = new BlockedReads(clock, this.#server.watches, whenAwake)
    this.operator = new Operator(this.#server, this.#blocked, this.#turnstile)
  }

  /** HTTP requests so far. */
  get requests(): number {
    return this.#requests
  }

  /** Entries of the raft log so far. */
  get raftWrites(): number {
    return this.#server.state.raftWrites
  }

  /** Reads that are blocked just now. */
  get blockedReads(): number {
    return this.#blocked.count
  }

  /** A client's way to it, through the agent on `node`; sessions are created there unless they say otherwise. */
  transport(node = NODE): Transport {
    return { send: (request, signal) => this.handle(request, signal, node), close: () => {} }
  }

  /**
   * Settles with the reply; rejects with the signal's reason when that aborts first. A request that is held back (no
   * leader, asleep) has its effect later though its client has gone: the bytes were sent.
   */
  handle(wire: WireRequest, signal: AbortSignal, node = NODE): Promise<WireReply> {
    this.#requests += 1
    if (signal.aborted) return Promise.reject(signal.reason)
    this.#server.join(node)
    const parsed = parseRequest(wire, node)
    if (!parsed) return Promise.resolve(words(404, '').reply)
    const [word, request] = parsed
    const needsLeader = word in ENDPOINTS && !request.query.has('stale')
    const serve = () => this.#serve(word, request, signal)
    if (this.#turnstile.isOpen(needsLeader)) return serve()
    return unlessAborted(signal, this.#turnstile.pass(needsLeader, serve))
  }

  #serve(word: string, request: AgentRequest, signal: AbortSignal): Promise<WireReply> {
    const answer = this.#answer(word, request)
    if ('commit' in answer) return this.#commit(answer)
    if (answer.topic === undefined || request.query.size === 0) return Promise.resolve(answer.reply)
    const blocking = parseBlocking(request.query)
    if (typeof blocking === 'string') return Promise.resolve(words(400, blocking).reply)
    const { index, waitMs } = blocking
    if (index === 0 || (answer.index ?? 0) > index) return Promise.resolve(answer.reply)
    if (signal.aborted) return Promise.reject(signal.reason)
    return this.#blocked.wait({
      index,
      waitMs: waitMs + (this.#random() * waitMs) / JITTER_FRACTION,
      topic: answer.topic,
      answer,
      again: () => this.#answer(word, request) as Answer,
      signal,
    })
  }

  #commit({ commit }: Proposal): Promise<WireReply> {
    const ms = this.#commitMs()
    if (ms === 0) return Promise.resolve(commit().reply)
    return new Promise((resolve) => {
      this.#clock.after(ms, () => this.#turnstile.whenAwake(() => resolve(commit().reply)))
    })
  }

  #answer(word: string, request: AgentRequest): Answer | Proposal {
    if (word === 'status' && request.rest === 'leader') return json(this.#turnstile.hasLeader ? LEADER : '""')
    const endpoint = ENDPOINTS[word]
    if (!endpoint) return words(404, '')
    if (request.query.has('stale') && request.query.has('consistent')) {
      return words(400, 'Cannot specify ?stale with ?consistent, conflicting semantics.')
    }
    return endpoint(this.#server, request)
  }
}
