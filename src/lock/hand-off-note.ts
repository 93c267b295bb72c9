import type { Context } from '../base/context.ts'
import { Failure, type FailureCode } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKeys } from '../consul/kv.ts'
import { type TxnOp, transact } from '../consul/txn.ts'
import type { HeldKey } from './claim.ts'
import { noteKey, placeKey } from './queue.ts'

/** Without a note one is not handed the lock, and takes it when it is free. */
const DISPENSABLE: readonly FailureCode[] = ['refused', 'too-large']
/** Consul takes 64 steps in a transaction. */
const MOST_NOTES = 50

/**
 * The note that a waiter leaves with the one ahead of it, be that a waiter or the holder: the record that it would hold
 * with, at a key that its session holds. A holder that finds it hands that waiter the lock (`HandOff`).
 */
export class HandOffNote {
  readonly #consul: Consul
  readonly #wanted: HeldKey
  #note: string | undefined

  constructor(consul: Consul, { key, sessionId }: HeldKey) {
    this.#consul = consul
    this.#wanted = { key, sessionId }
  }

  /** Whether the lock may be handed to us. */
  get isNoted(): boolean {
    return this.#note !== undefined
  }

  /** Takes the note away. */
  get leaving(): readonly TxnOp[] {
    return this.#note === undefined ? [] : [{ verb: 'delete', key: this.#note }]
  }

  /** Leaves the note with this session; settles with whether it wasn't there before. */
  async standBehind(ctx: Context, before: string, record: () => string): Promise<boolean> {
    const { key: lockKey, sessionId } = this.#wanted
    const key = noteKey(lockKey, before)
    if (key === this.#note) return false
    const ops: readonly TxnOp[] = [{ verb: 'lock', key, value: record(), session: sessionId }, ...this.leaving]
    try {
      const outcome = await transact(ctx, this.#consul, ops)
      // Somebody who stood there before us may have left one.
      if (outcome.done) this.#note = key
      return outcome.done
    } catch (thrown) {
      if (!(thrown instanceof Failure) || !DISPENSABLE.includes(thrown.code)) throw thrown
      return false
    }
  }

  /** From now on nobody hands us the lock; whoever has done so before that has. */
  async withdraw(ctx: Context): Promise<void> {
    if (this.#note === undefined) return
    const { key, sessionId } = this.#wanted
    await transact(ctx, this.#consul, [{ verb: 'delete', key: placeKey(key, sessionId) }, ...this.leaving])
  }
}

/**
 * Does that for one that is dead. Its note is found in the line, where that can be read: who moves up there leaves one
 * at the same key.
 */
export async function withdrawOnBehalf(ctx: Context, consul: Consul, { key, sessionId }: HeldKey): Promise<void> {
  const place = placeKey(key, sessionId)
  const line = await readKeys(ctx, consul, placeKey(key, '')).catch(unlessDispensable)
  const notes = line.filter((entry) => entry.session === sessionId && entry.key !== place).slice(0, MOST_NOTES)
  await transact(
    ctx,
    consul,
    [{ key: place }, ...notes].map(({ key }) => ({ verb: 'delete', key })),
  )
}

function unlessDispensable(thrown: unknown): readonly Entry[] {
  if (!(thrown instanceof Failure) || !DISPENSABLE.includes(thrown.code)) throw thrown
  return []
}
