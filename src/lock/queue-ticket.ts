import type { Entry } from '../consul/kv.ts'
import { heldFence, turnIn } from './holder-record.ts'

/**
 * One's number among all who came to a queue: the tail's LockIndex. Who holds a lock left its own in the record, so how
 * many are before one is told without reading the queue.
 */
export class QueueTicket {
  readonly number: number
  /** The raft index since when such numbers are given. */
  readonly #since: number
  /** How many of those before us are known to have left without their turn. */
  #gone = 0

  constructor(number: number, since: number) {
    this.number = number
    this.#since = since
  }

  /**
   * How many are before us while that one holds the lock; some of them may have given up since. `undefined` when its
   * record doesn't tell: it came by an older version, another tool, or past the queue.
   */
  ahead(holder: Entry): number | undefined {
    const came = this.#since > heldFence(holder) ? 0 : turnIn(holder.value)
    const ahead = this.number - (came ?? Number.POSITIVE_INFINITY) - 1 - this.#gone
    return ahead > 0 ? ahead : undefined
  }

  /** They were counted: so many are before us while that one holds the lock. */
  counted(ahead: number, holder: Entry): void {
    const told = this.ahead(holder)
    if (told !== undefined) this.#gone += Math.max(0, told - ahead)
  }
}
