import { unlessAborted } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import type { Transport } from '../consul/wire.ts'
import type { CheckProbe } from './agent/check-runner.ts'
import { NodeAgents } from './agent/node-agents.ts'
import { textAnswer } from './answers.ts'
import { BlockedReads } from './blocked-reads.ts'
import type { CatalogTable } from './catalog/catalog-table.ts'
import type { DevImage } from './dev-schema.ts'
import { Operator } from './operator.ts'
import {
  type AgentAnswer,
  type AgentReply,
  type AgentRequest,
  type AgentWire,
  type Proposal,
  parseBlocking,
  parseRequest,
} from './request.ts'
import { RequestGate } from './request-gate.ts'
import { type Answerers, answer, needsLeader, refused } from './router.ts'
import { Server } from './server.ts'
import { imageOf } from './state-image.ts'

export interface DevAgentOptions {
  readonly clock: Clock
  /** A number in [0, 1): ids, jitter. */
  readonly random: () => number
  /** Sessions end at their TTL times a number from this range; 2 to 2.02 by default, as the real ones do. */
  readonly ttlFactor?: readonly [low: number, high: number]
  /** How long a request waits for a leader before it gets a 500; Consul's `rpc_hold_timeout`, 7 s by default. */
  readonly holdMs?: number
  /**
   * How long a transaction takes from the leader's look at it to its turn in the log, in milliseconds; 0 by default.
   */
  readonly commitMs?: () => number
  /** The name of the node that is asked unless another one is, and the address of all nodes. */
  readonly node?: string
  readonly address?: string
  /** Looks at ports and URLs for the agents' checks; without it they have TTL checks only. */
  readonly probe?: CheckProbe
  /** Called after every change that is worth keeping: see `image`. */
  readonly onChange?: () => void
  /** What another one left. */
  readonly image?: DevImage | undefined
}

const NODE = 'dev'
const ADDRESS = '127.0.0.1'
const JITTER_FRACTION = 16

/**
 * Consul in memory: the agents of any number of nodes and the servers behind them, as far as sessions, keys,
 * transactions, the catalog, services and checks go. Held to the real one by test/contract. Everything happens at the
 * instant of the call, but for what waits on the clock, and for the log if that takes its time.
 */
export class DevAgent {
  /** What is done to it from outside of HTTP. */
  readonly operator: Operator
  readonly #random: () => number
  readonly #server: Server
  readonly #blocked: BlockedReads
  readonly #gate: RequestGate
  readonly #clock: Clock
  readonly #commitMs: () => number
  readonly #node: string
  readonly #agents: NodeAgents
  readonly #answerers: Answerers
  #requests = 0

  constructor(options: DevAgentOptions) {
    const { clock, random, ttlFactor = [2, 2.02], holdMs = 7000, commitMs = () => 0, probe } = options
    const { node = NODE, address = ADDRESS, onChange = () => {}, image } = options
    this.#node = node
    this.#clock = clock
    this.#random = random
    this.#commitMs = commitMs
    this.#gate = new RequestGate(clock, holdMs)
    const whenAwake = (task: () => void) => this.#gate.whenAwake(task)
    this.#server = new Server({ clock, random, ttlFactor, whenAwake, node, address, onChange })
    this.#blocked = new BlockedReads(clock, this.#server.watches, whenAwake)
    this.operator = new Operator(this.#server, this.#blocked, this.#gate)
    this.#agents = new NodeAgents({ address, server: this.#server, clock, random, probe })
    const [server, agents] = [this.#server, this.#agents]
    this.#answerers = { server, agents, address, hasLeader: () => this.#gate.hasLeader }
    if (!image) return
    server.load(image.state)
    agents.load(image.agents)
  }

  /** All that there is, to be given to another one: what a Consul server and its agents find again after a restart. */
  get image(): object {
    return { consul: 'consul-locker dev', format: 1, state: imageOf(this.#server.state), agents: this.#agents.images }
  }

  /** What is registered: nodes, services, checks. */
  get catalog(): CatalogTable {
    return this.#server.state.catalog
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
  transport(node = this.#node): Transport {
    return { send: (request, signal) => this.handle(request, signal, node), close: () => {} }
  }

  /**
   * Settles with the reply; rejects with the signal's reason when that aborts first. A request that is held back (no
   * leader, asleep) has its effect later though its client has gone: the bytes were sent.
   */
  handle(wire: AgentWire, signal: AbortSignal, node = this.#node): Promise<AgentReply> {
    this.#requests += 1
    if (signal.aborted) return Promise.reject(signal.reason)
    this.#server.join(node)
    try {
      const parsed = parseRequest(wire, node)
      if (!parsed) return Promise.resolve(textAnswer(404, '').reply)
      const [word, request] = parsed
      const isForLeader = needsLeader(word, request)
      const serve = () => this.#serve(word, request, signal)
      if (this.#gate.isOpen(isForLeader)) return serve()
      return unlessAborted(signal, this.#gate.pass(isForLeader, serve))
    } catch (thrown) {
      return Promise.resolve(refused(thrown).reply)
    }
  }

  /** Ends what goes on by itself: checks, and reads that are blocked, which are answered. */
  stop(): void {
    this.#agents.stop()
    this.#blocked.giveInAll()
  }

  #serve(word: string, request: AgentRequest, signal: AbortSignal): Promise<AgentReply> {
    const first = answer(this.#answerers, word, request)
    if ('commit' in first) return this.#commit(first)
    if (first.topic === undefined || request.query.size === 0) return Promise.resolve(first.reply)
    const blocking = parseBlocking(request.query)
    if (typeof blocking === 'string') return Promise.resolve(textAnswer(400, blocking).reply)
    const { index, waitMs } = blocking
    if (index === 0 || (first.index ?? 0) > index) return Promise.resolve(first.reply)
    if (signal.aborted) return Promise.reject(signal.reason)
    return this.#blocked.wait({
      index,
      waitMs: waitMs + (this.#random() * waitMs) / JITTER_FRACTION,
      topic: first.topic,
      answer: first,
      again: () => answer(this.#answerers, word, request) as AgentAnswer,
      signal,
    })
  }

  #commit({ commit }: Proposal): Promise<AgentReply> {
    const ms = this.#commitMs()
    if (ms === 0) return Promise.resolve(commit().reply)
    return new Promise((resolve) => {
      this.#clock.after(ms, () => this.#gate.whenAwake(() => resolve(commit().reply)))
    })
  }
}
