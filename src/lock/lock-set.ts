import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import type { TxnOp } from '../consul/txn.ts'
import { type ClaimResult, claimUnder, type LockRequest, releaseKey, releaseWith, unchanged } from './claim.ts'
import type {
  Blocker,
  CompoundLock,
  CompoundLockOf,
  LockReading,
  LookFrom,
  RidingOf,
  WatchedKey,
} from './compound-lock.ts'
import { checkIsLock, LOCK_FLAGS, SEMAPHORE_FLAGS } from './lock-keys.ts'
import { Loss } from './loss.ts'
import { QueueSet } from './queue-set.ts'
import { clearing } from './semaphore-view.ts'
import { type Writer, writerAt } from './writer.ts'

/** One of several locks. */
export interface NamedLock {
  readonly name: string
  readonly key: string
}

/** What was seen of one of them. */
interface Sight {
  readonly lock: NamedLock
  readonly entry: Entry | undefined
  /** How it is claimed when its key holds a list of readers. */
  readonly writer: Writer | undefined
  readonly blocker: Blocker | undefined
  readonly index: number
}

type NamedLocks = readonly [NamedLock, ...NamedLock[]]

/** What a run contends for that wants all of these locks. */
export function lockSetOf(locks: NamedLocks): CompoundLockOf {
  return async (consul, sessionId, ancestors) => new LockSet(consul, sessionId, ancestors, locks)
}

/**
 * Several plain locks that one session takes in one transaction, or none of them: nobody holds one and waits for
 * another, so nobody waits in a circle. The first one's key is that of the compound lock.
 */
export class LockSet implements CompoundLock {
  readonly key: string
  readonly line: QueueSet
  readonly #consul: Consul
  readonly #sessionId: string
  readonly #ancestors: readonly string[]
  readonly #locks: NamedLocks
  #seen: ReadonlyMap<string, Sight> = new Map()
  /** Which one the index of the last look belongs to. */
  #watched: NamedLock

  constructor(consul: Consul, sessionId: string, ancestors: readonly string[], locks: NamedLocks) {
    const [first, ...others] = locks
    this.key = first.key
    this.line = new QueueSet(consul, [first.key, ...others.map(({ key }) => key)], sessionId)
    this.#consul = consul
    this.#sessionId = sessionId
    this.#ancestors = ancestors
    this.#locks = locks
    this.#watched = first
  }

  async look(ctx: Context, from: LookFrom): Promise<LockReading> {
    if (from.index > 0) await readKey(ctx, this.#consul, this.#watched.key, from)
    const all = await Promise.all(this.#locks.map((lock) => this.#sight(ctx, lock)))
    this.#seen = new Map(all.map((sight) => [sight.lock.key, sight]))
    const taken = all.filter(({ blocker }) => blocker && blocker.session !== this.#sessionId)
    // What an enclosing run holds won't be free before we end: that is what people must hear of.
    const isAround = ({ blocker }: Sight) => this.#ancestors.includes(blocker?.session ?? '')
    const inTheWay = taken.find(isAround) ?? taken[0]
    const [first] = all
    const shown = inTheWay ?? first
    this.#watched = shown?.lock ?? this.#locks[0]
    const index = shown?.index ?? 0
    if (inTheWay?.blocker) return { entry: { ...inTheWay.blocker, name: inTheWay.lock.name }, index }
    const areOurs = all.every(({ blocker }) => blocker?.session === this.#sessionId)
    return { entry: areOurs ? first?.blocker : undefined, index }
  }

  async #sight(ctx: Context, lock: NamedLock): Promise<Sight> {
    const first = await readKey(ctx, this.#consul, lock.key)
    const isList = first.entry?.flags === SEMAPHORE_FLAGS
    const writer = isList ? writerAt(this.#consul, first.entry, this.#ancestors) : undefined
    const { entry, index } = writer ? await writer.look(ctx, { index: 0, waitMs: 0 }) : first
    const isAmongReaders = writer?.isAmongHolders ?? false
    if (entry && !isAmongReaders) checkIsLock(entry)
    const blocker = entry?.session ? entry : undefined
    return { lock, entry, writer: isAmongReaders ? writer : undefined, blocker, index }
  }

  async claim(
    ctx: Context,
    request: LockRequest,
    isOurs: boolean,
    queueing: readonly TxnOp[],
    riding: readonly TxnOp[],
  ): Promise<ClaimResult> {
    if (isOurs) await this.look(ctx, { index: 0, waitMs: 0 })
    const requests = this.#locks.map(({ key }) => ({ ...request, key }))
    const conditions: TxnOp[] = []
    for (const one of requests) {
      const sight = this.#seen.get(one.key)
      const writerClaim = sight?.writer?.writerClaim(ctx, this.#sessionId)
      if (sight?.writer && !writerClaim) return { kind: 'taken' }
      // The lists of dead readers are cleared one at a time: a transaction takes only so many operations.
      if (writerClaim && writerClaim.probes.length > 0) {
        return clearing(ctx, this.#consul, [...writerClaim.fewer, ...writerClaim.probes])
      }
      conditions.push(...(writerClaim?.unchanged ?? [unchanged(one, sight?.entry)]))
    }
    const [, ...others] = requests
    const locking = others.map(
      ({ key, value, sessionId }): TxnOp => ({ verb: 'lock', key, value, flags: LOCK_FLAGS, session: sessionId }),
    )
    const got = await claimUnder(ctx, this.#consul, request, LOCK_FLAGS, conditions, [...locking, ...queueing], riding)
    if (got.kind !== 'held') return got
    // A key that was made anew has a higher index; the highest is the fence of all.
    const ours = got.entries.filter(({ session }) => session === this.#sessionId)
    return { ...got, fence: Math.max(...ours.map(({ modifyIndex }) => modifyIndex)) }
  }

  watched(fence: number): readonly WatchedKey[] {
    const [, ...others] = this.#locks
    return others.map(({ key, name }) => ({
      key,
      fromIndex: fence,
      judge: (entry) => {
        if (entry === undefined) return 'deleted'
        if (entry.session === this.#sessionId) return 'ours'
        if (entry.session === undefined) return 'released'
        return new Loss('key-taken', `the key of ${name} is held by somebody else (session ${entry.session})`)
      },
    }))
  }

  environment(fence: number): Readonly<Record<string, string>> {
    return {
      CONSUL_LOCKER_FENCES: this.#locks.map(({ name }) => `${name}=${fence}`).join(' '),
      CONSUL_LOCKER_KEYS: this.#locks.map(({ key }) => key).join(' '),
    }
  }

  /** All in one transaction; when one of them isn't ours any more, the others one by one. */
  async release(ctx: Context, ridingOf?: RidingOf): Promise<boolean> {
    const [first, ...others] = this.#locks
    const held = ({ key }: NamedLock) => ({ key, sessionId: this.#sessionId })
    const giving = others.flatMap(({ key }): TxnOp[] => [
      { verb: 'check-session', key, session: this.#sessionId },
      { verb: 'delete', key },
    ])
    if ((await releaseWith(ctx, this.#consul, held(first), giving, (await ridingOf?.(ctx)) ?? [])) === true) return true
    let isAnyGiven = false
    for (const lock of this.#locks) isAnyGiven = (await releaseKey(ctx, this.#consul, held(lock))) || isAnyGiven
    return isAnyGiven
  }
}
