import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import type { RetryPolicy } from '../consul/retry.ts'
import type { AcquireOptions } from './acquire-options.ts'
import type { Blocker, Claimable, CompoundLock, LockReading, LookFrom } from './compound-lock.ts'
import { checkIsLock, SEMAPHORE_FLAGS } from './lock-keys.ts'

/**
 * Everybody in the queue waits for the next in line: a wake-up that an election swallowed must not cost a whole long
 * poll.
 */
const LOOK_MS = 10_000

/** What stands where one session wants a lock, as it was seen last. */
export class LockWatch {
  readonly #consul: Consul
  readonly #options: AcquireOptions
  readonly #retrying: RetryPolicy
  readonly #compound: CompoundLock | undefined
  readonly #query: BlockingQuery<LockReading>
  /** Readers were met where the plain lock is. */
  #writer: Claimable | undefined
  #lastSeen: Blocker | undefined
  #isOurs = false
  /** Others hold it beside whom we may come in. */
  #isShared = false

  constructor(consul: Consul, options: AcquireOptions, retrying: RetryPolicy, compound: CompoundLock | undefined) {
    this.#consul = consul
    this.#options = options
    this.#retrying = retrying
    this.#compound = compound
    this.#query = new BlockingQuery((ctx, from) => this.#read(ctx, from))
  }

  /** At first it is hoped that nothing is there. */
  get lastSeen(): Blocker | undefined {
    return this.#lastSeen
  }

  /** We hold it, whatever was seen before. */
  get isOurs(): boolean {
    return this.#isOurs
  }

  /** A claim has shown that it is ours; the next look may show otherwise. */
  markOurs(): void {
    this.#isOurs = true
  }

  /** Nobody keeps us out, as far as was seen. */
  get isFree(): boolean {
    return this.#lastSeen?.session === undefined && !this.#isShared
  }

  /** What is claimed, if it isn't the plain lock. */
  get claimable(): Claimable | undefined {
    return this.#compound ?? this.#writer
  }

  /** Looks at once. */
  look(ctx: Context): Promise<Blocker | undefined> {
    this.#query.restart()
    return this.untilChanged(ctx)
  }

  /** Looks when something has changed, or after a while. */
  async untilChanged(ctx: Context): Promise<Blocker | undefined> {
    this.#isOurs = false
    const { entry, isShared = false } = await this.#retrying(ctx, () => this.#query.next(ctx, LOOK_MS))
    this.#lastSeen = entry
    this.#isShared = isShared
    return entry
  }

  /** Throws a `usage` failure when waiting for this holder would never end. */
  checkHolder(holder: Blocker): void {
    const { name: wanted, ancestors } = this.#options
    const { name = wanted } = holder
    if (!this.claimable) checkIsLock(holder)
    if (holder.session !== undefined && ancestors.includes(holder.session)) {
      throw new Failure('usage', `${name} is already held by the run around this one: waiting would never end`, {
        hint: 'run the command without a second lock, or lock another name',
      })
    }
  }

  async #read(ctx: Context, from: LookFrom): Promise<LockReading> {
    if (this.claimable) return this.claimable.look(ctx, from)
    const { key, ancestors, amongHolders } = this.#options
    const reading = await readKey(ctx, this.#consul, key, from)
    const { entry } = reading
    if (entry?.flags === SEMAPHORE_FLAGS) this.#writer = await amongHolders?.(this.#consul, entry, ancestors)
    return this.#writer?.look(ctx, { index: 0, waitMs: 0 }) ?? reading
  }
}
