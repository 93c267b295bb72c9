import type { Context } from '../base/context.ts'
import type { BlockingQuery } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import type { Entry, KeyReading } from '../consul/kv.ts'
import { type TxnOp, transact } from '../consul/txn.ts'
import { Queue } from './queue.ts'
import type { CountedPosition, Line, Waiter } from './waiting-line.ts'

/**
 * The queues of several locks, entered in one transaction: so of two that wait for the same two locks the same one is
 * first in both, and nobody waits in a circle.
 */
export class QueueSet implements Line {
  readonly #consul: Consul
  readonly #queues: readonly [Queue, ...Queue[]]

  constructor(consul: Consul, lockKeys: readonly [string, ...string[]], sessionId: string) {
    const queueOf = (key: string) => new Queue(consul, key, sessionId, true)
    const [first, ...others] = lockKeys
    this.#consul = consul
    this.#queues = [queueOf(first), ...others.map(queueOf)]
  }

  get ifNobodyQueues(): readonly TxnOp[] {
    return this.#queues.flatMap((queue) => queue.ifNobodyQueues)
  }

  get leaving(): readonly TxnOp[] {
    return this.#queues.flatMap((queue) => queue.leaving)
  }

  async enter(ctx: Context, waiter: Waiter): Promise<undefined> {
    await transact(
      ctx,
      this.#consul,
      this.#queues.flatMap((queue) => queue.entering(waiter)),
    )
  }

  /** Being first in one of them says nothing of the others. */
  atHead(ctx: Context): Promise<CountedPosition> {
    return this.look(ctx)
  }

  /** Our position in the queue in which the most are before us. */
  async look(ctx: Context): Promise<CountedPosition> {
    const positions = await Promise.all(this.#queues.map((queue) => queue.look(ctx)))
    const ahead = Math.max(...positions.map((position) => position.ahead))
    return {
      ahead,
      before: positions.find((position) => position.ahead === ahead)?.before,
      isFirm: positions.some(({ isFirm }) => isFirm),
      leaving: positions.flatMap(({ leaving }) => leaving),
    }
  }

  watch(before: Entry): BlockingQuery<KeyReading> {
    return this.#queues[0].watch(before)
  }

  async leave(ctx: Context): Promise<void> {
    for (const queue of this.#queues) await queue.leave(ctx)
  }
}
