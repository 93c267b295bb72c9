import { firstOf, sleep, unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import type { Entry } from '../consul/kv.ts'
import { type TxnOp, transact } from '../consul/txn.ts'
import { type HeldKey, NOT_ALLOWED, releaseWith } from './claim.ts'
import type { RidingOf } from './compound-lock.ts'
import { recordSince } from './holder-record.ts'
import { ALL_PAUSED_KEY, LOCK_FLAGS, pauseKeyOf } from './lock-keys.ts'
import { noteKey, placeKey } from './queue.ts'

/** So often a lock is released all the same, by tickets: `consul lock` waits for nothing but a free key. */
const RELEASED_EVERY = 16

/** So young a lock's line is known from its beginning, in milliseconds. */
const FRESH_MS = 100

/** So long a look at the end may take, in milliseconds: somebody may wait for a lock whose Consul is slow. */
const LOOK_MS = 1000

/** How a lock came to us. */
export interface LockOrigin {
  /** For how long it has been ours, in milliseconds. */
  readonly heldMs: () => number
  /** We stood in line for it, so others may, too. */
  readonly isFromLine: boolean
  /** Our ticket, as far as it is known. */
  readonly turn: number | undefined
  /** What takes away the key that names us as the last in line, if we were and it still does. */
  readonly removeTail: readonly TxnOp[]
  /** What a claim of ours would have read, and who hears of it, when the lock was handed to us without one. */
  readonly unread?: { readonly reading: readonly TxnOp[]; readonly granted: (entries: readonly Entry[]) => void }
}

/**
 * Gives a lock to the waiter behind us in line, in one transaction: the key is never free, and the heir needs no claim.
 * It has left a note for us, and still stands in line; that its session lives, and that ours does, are conditions of
 * the transaction.
 */
export class HandOff {
  readonly #consul: Consul
  readonly #held: HeldKey
  readonly #origin: LockOrigin
  #begun: Promise<void> | undefined
  #isRead = false
  #note: Entry | undefined

  constructor(consul: Consul, { key, sessionId }: HeldKey, origin: LockOrigin) {
    this.#consul = consul
    this.#held = { key, sessionId }
    this.#origin = origin
  }

  /** Begins to find out who stands behind us, where somebody may. */
  begin(ctx: Context): void {
    if (this.#origin.isFromLine) this.#begun = this.#read(ctx).catch(() => {})
  }

  /** Gives the lock back, to the waiter behind us if there is one. Settles with whether it was ours. */
  async give(ctx: Context, ridingOf: RidingOf): Promise<boolean> {
    const begun = this.#begun
    // When we are called again, because no answer came, we don't wait for it either.
    this.#begun = undefined
    if (begun) await unlessAborted(ctx.signal, begun)
    const isLate = this.#note === undefined && this.#origin.heldMs() >= FRESH_MS
    if (!this.#isRead && this.#origin.unread) await this.#read(ctx)
    else if (!this.#isRead || isLate) await this.#look(ctx)
    const riding = await ridingOf(ctx)
    const isHanded = this.#note && (await this.#handTo(ctx, this.#note, riding))
    if (isHanded !== undefined) return isHanded
    const clearing: TxnOp[] = this.#note ? [{ verb: 'delete', key: this.#note.key }] : []
    // The one that left a note came after us, and is the last, or others are.
    const removeTail = this.#note ? [] : this.#origin.removeTail
    const releasing = (besides: readonly TxnOp[]) => releaseWith(ctx, this.#consul, this.#held, besides, riding)
    const released = await releasing([...removeTail, ...clearing]).catch(unlessNotAllowed)
    if (typeof released === 'boolean') return released
    // Others have come into line since, or what stands there isn't ours to clear.
    return (await releasing([])) === true
  }

  /** Without an answer the lock is released; its own failures are told by that. */
  async #look(ctx: Context): Promise<void> {
    try {
      await firstOf(ctx, [(ctx) => this.#read(ctx), (ctx) => sleep(ctx, LOOK_MS)])
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown
    }
  }

  /** A read of trees never fails for what isn't there. */
  async #read(ctx: Context): Promise<void> {
    const { reading = [], granted = () => {} } = (this.#isRead ? undefined : this.#origin.unread) ?? {}
    const key = noteKey(this.#held.key, this.#held.sessionId)
    const outcome = await transact(ctx, this.#consul, [...reading, { verb: 'get-tree', key }]).catch(unlessNotAllowed)
    if (outcome?.done && !this.#isRead) granted(outcome.entries)
    this.#isRead = true
    this.#note = outcome?.done ? outcome.entries.find((entry) => entry.key === key) : undefined
  }

  /** Settles with `undefined` when it must be released instead. */
  async #handTo(ctx: Context, note: Entry, riding: readonly TxnOp[]): Promise<boolean | undefined> {
    const { turn = 1 } = this.#origin
    const heir = note.session
    const value = recordSince(note.value, ctx.clock.now().wallMs)
    if (heir === undefined || value === undefined || turn % RELEASED_EVERY === 0) return undefined
    const { key, sessionId } = this.#held
    const ours: TxnOp = { verb: 'check-session', key, session: sessionId }
    const lock = { key, value, flags: LOCK_FLAGS }
    const ops: readonly TxnOp[] = [
      ours,
      { verb: 'check-session', key: placeKey(key, heir), session: heir },
      ...[ALL_PAUSED_KEY, pauseKeyOf(key)].map((key) => ({ verb: 'check-not-exists', key }) as const),
      { verb: 'unlock', ...lock, session: sessionId },
      { verb: 'lock', ...lock, session: heir },
      { verb: 'delete', key: placeKey(key, heir) },
      { verb: 'delete', key: note.key },
      ...riding,
    ]
    const outcome = await transact(ctx, this.#consul, ops).catch(unlessNotAllowed)
    if (outcome?.done) return true
    return outcome?.failed.includes(ours) ? false : undefined
  }
}

function unlessNotAllowed(thrown: unknown): undefined {
  if (!(thrown instanceof Failure) || !NOT_ALLOWED.includes(thrown.code)) throw thrown
}
