import type { Clock } from '../base/clock.ts'
import type { AgentAnswer, AgentReply } from './request.ts'
import type { Topic, Watches } from './watches.ts'

/** A read that waits for the index to pass one. */
export interface BlockedRead {
  readonly index: number
  readonly waitMs: number
  readonly topic: Topic
  /** The answer so far: what it gets when nothing changes. */
  readonly answer: AgentAnswer
  readonly again: () => AgentAnswer
  readonly signal: AbortSignal
}

interface Waiter {
  /** Answers with what it saw last. */
  readonly giveIn: () => void
  /** Answers with what stands there now, changed or not. */
  readonly stir: () => void
  /** Answers with this. */
  readonly drop: (reply: AgentReply) => void
}

/** Reads that block (agent/consul/rpc.go, blockingQuery). */
export class BlockedReads {
  readonly #clock: Clock
  readonly #watches: Watches
  readonly #whenAwake: (task: () => void) => void
  readonly #waiters = new Set<Waiter>()

  constructor(clock: Clock, watches: Watches, whenAwake: (task: () => void) => void) {
    this.#clock = clock
    this.#watches = watches
    this.#whenAwake = whenAwake
  }

  get count(): number {
    return this.#waiters.size
  }

  /** Settles when the index has passed, or the time is over. Rejects with the signal's reason when that aborts. */
  wait(read: BlockedRead): Promise<AgentReply> {
    const { promise, resolve, reject } = Promise.withResolvers<AgentReply>()
    let last = read.answer
    const end = () => {
      this.#waiters.delete(waiter)
      unwatch()
      cancel()
      read.signal.removeEventListener('abort', abort)
    }
    const abort = () => {
      end()
      reject(read.signal.reason)
    }
    const drop = (reply: AgentReply) => {
      end()
      this.#whenAwake(() => resolve(reply))
    }
    const look = () => {
      last = read.again()
      if ((last.index ?? 0) > read.index) drop(last.reply)
    }
    const waiter: Waiter = { giveIn: () => drop(last.reply), stir: () => drop(read.again().reply), drop }
    const unwatch = this.#watches.add(read.topic, look)
    const cancel = this.#clock.after(read.waitMs, waiter.giveIn)
    read.signal.addEventListener('abort', abort, { once: true })
    this.#waiters.add(waiter)
    return promise
  }

  giveInAll(): void {
    for (const waiter of this.#waiters) waiter.giveIn()
  }

  stirAll(): void {
    for (const waiter of this.#waiters) waiter.stir()
  }

  dropAll(reply: AgentReply): void {
    for (const waiter of this.#waiters) waiter.drop(reply)
  }
}
