import type { Context } from '../base/context.ts'
import type { Entry } from '../consul/kv.ts'
import type { RetryPolicy } from '../consul/retry.ts'
import type { TxnOp } from '../consul/txn.ts'
import type { Advice, Attempt, NextAttempt, Rider } from './rider.ts'

/** The riders of one session's tries for a lock, and what each of them had done with the last try. */
export class Riders {
  readonly all: readonly Rider[]
  #last: readonly { readonly rider: Rider; readonly ops: readonly TxnOp[] }[] = []

  constructor(riders: readonly Rider[] = []) {
    this.all = riders
  }

  /** Whether any of them has something to look at before a try. */
  get isPrepared(): boolean {
    return this.all.some(({ prepare }) => prepare)
  }

  /** What they have done with the next try. */
  claiming(attempt: Attempt): TxnOp[] {
    this.#last = this.all.map((rider) => ({ rider, ops: rider.claiming(attempt) }))
    return this.#last.flatMap(({ ops }) => ops)
  }

  /** What they have read of a lock that was handed to us. */
  handed(nowMs: number): TxnOp[] {
    return this.all.flatMap((rider) => rider.handed?.(nowMs) ?? [])
  }

  granted(entries: readonly Entry[]): void {
    for (const rider of this.all) rider.granted?.(entries)
  }

  refused(ops: readonly TxnOp[]): void {
    this.#each(ops, (rider, theirs) => rider.refused?.(theirs))
  }

  denied(ops: readonly TxnOp[]): void {
    this.#each(ops, (rider, theirs) => rider.denied?.(theirs))
  }

  /** Calls this for each rider that had some of these operations done with the last try. */
  #each(some: readonly TxnOp[], call: (rider: Rider, ops: readonly TxnOp[]) => void): void {
    for (const { rider, ops } of this.#last) {
      const theirs = ops.filter((op) => some.includes(op))
      if (theirs.length > 0) call(rider, theirs)
    }
  }
}

/** Whether all riders think that a try is worthwhile; the first who doesn't decides. */
export async function prepareRiders(
  ctx: Context,
  riders: readonly Rider[],
  attempt: NextAttempt,
  retrying: RetryPolicy,
): Promise<Advice> {
  for (const rider of riders) {
    const advice = (await rider.prepare?.(ctx, attempt, retrying)) ?? 'go'
    if (advice !== 'go') return advice
  }
  return 'go'
}
