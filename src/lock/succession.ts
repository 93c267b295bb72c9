import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import type { TxnOp } from '../consul/txn.ts'
import type { HeldKey } from './claim.ts'
import { HandOff, type LockOrigin } from './hand-off.ts'
import { HandOffNote } from './hand-off-note.ts'

/** A holder that had the lock for less, and never waited for it, doesn't look whether somebody waits by now. */
const WORTH_A_LOOK_MS = 1000

/**
 * How one session gets a plain lock from the holder before it, and gives it to the next in line, without the key being
 * free in between.
 */
export class Succession {
  readonly #consul: Consul
  readonly #wanted: HeldKey
  readonly #note: HandOffNote
  #hasClaimed = false

  constructor(consul: Consul, wanted: HeldKey) {
    this.#consul = consul
    this.#wanted = wanted
    this.#note = new HandOffNote(consul, wanted)
  }

  /** Whether a lock that is ours was handed to us: we have left word with somebody, and claimed nothing since. */
  get isHanded(): boolean {
    return this.#note.isNoted && !this.#hasClaimed
  }

  /** We claim it ourselves; says what is to be done in the same transaction. */
  claiming(): readonly TxnOp[] {
    this.#hasClaimed = true
    return this.#note.leaving
  }

  /** Has the lock handed to us by this session, if it holds it by then; `record` is what we would hold with. */
  async standBehind(ctx: Context, session: string, record: () => string): Promise<void> {
    if (await this.#note.standBehind(ctx, session, record)) this.#hasClaimed = false
  }

  /** From now on nobody hands us the lock; somebody may have done so. */
  withdraw(ctx: Context): Promise<void> {
    return this.#note.withdraw(ctx)
  }

  /** Hands the lock on that is ours since now; see `HeldLock`. */
  onwards({ clock }: Context, origin: Omit<LockOrigin, 'heldMs'>): () => HandOff | undefined {
    const since = clock.now()
    const heldMs = () => clock.since(since)
    const handOff = new HandOff(this.#consul, this.#wanted, { ...origin, heldMs })
    return () => (origin.isFromLine || heldMs() >= WORTH_A_LOOK_MS ? handOff : undefined)
  }
}
