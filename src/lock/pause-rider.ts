import type { TxnOp } from '../consul/txn.ts'
import { ALL_PAUSED_KEY, pauseKeyOf } from './lock-keys.ts'
import type { PauseKey } from './pause-key.ts'
import type { Attempt, Rider } from './rider.ts'

/**
 * Has a lock wait while it is paused, or all locks are. That is a condition of the claim, so none is granted after the
 * pause has been written. Who meets no pause sends no request for it; what is needed for one is loaded then. A lock
 * that is ours already stays so.
 */
export class PauseRider implements Rider {
  readonly #name: string
  readonly #keys: readonly PauseKey[]
  prepare?: NonNullable<Rider['prepare']>

  /** Locks have their names for people; `keys` are those of all locks that are taken. */
  constructor(name: string, ...keys: readonly string[]) {
    this.#name = name
    this.#keys = [ALL_PAUSED_KEY, ...keys.map(pauseKeyOf)].map((key) => ({ key }))
  }

  claiming({ isOurs }: Pick<Attempt, 'isOurs'>): readonly TxnOp[] {
    return isOurs ? [] : this.#keys.filter(({ isOnlyRead }) => !isOnlyRead).map(condition)
  }

  refused(): void {
    this.prepare ??= this.#waiting()
  }

  denied(ops: readonly TxnOp[]): void {
    for (const known of this.#keys) if (ops.some(({ key }) => key === known.key)) known.isOnlyRead = true
    this.prepare ??= this.#waiting()
  }

  #waiting(): NonNullable<Rider['prepare']> {
    const loading = import('./pause-wait.ts').then(({ PauseWait }) => new PauseWait(this.#name, this.#keys))
    return async (ctx, attempt, retrying) => (await loading).untilOver(ctx, attempt, retrying)
  }
}

function condition({ key, over }: PauseKey): TxnOp {
  const isDispensable = true
  if (!over) return { verb: 'check-not-exists', key, isDispensable }
  return { verb: over.isStale ? 'delete-cas' : 'check-index', key, index: over.index, isDispensable }
}
