import { aborted, firstOf, sleep } from '../base/abort.ts'
import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import type { Blocker } from './compound-lock.ts'
import { LockDelay, longestLockDelayMs, untilNextTry } from './lock-delay.ts'
import type { LockWatch } from './lock-watch.ts'
import { type QueueMember, skippable } from './queue-member.ts'
import type { Session } from './session.ts'
import type { WaitReporter } from './wait-reporter.ts'

/** With `once` we give those in the queue so long to take a free lock, and look so often whether they have. */
const COURTESY_MS = 1000
const COURTESY_LOOK_MS = 100

/** Why a try gave nothing, and the next one has to wait. */
export type WhyWait = 'taken' | 'lock-delay' | 'queued'

/** What a session that waits for a lock goes by. */
export interface WaitParts {
  readonly session: Session
  readonly watch: LockWatch
  readonly queue: QueueMember
  readonly reporter: WaitReporter
  /** What is waited for isn't one plain lock. */
  readonly isCompound: boolean
  /** Called when it is known behind which session we wait. */
  readonly onBehind: (ctx: Context, session: string) => Promise<void>
}

/** The wait of one session between two tries for a lock. */
export class LockWait {
  readonly #parts: WaitParts
  readonly #lockDelay = new LockDelay()

  constructor(parts: WaitParts) {
    this.#parts = parts
  }

  /** Waits until the lock may be free and it's our turn; `false` when our session is gone by then. */
  async untilWorthATry(ctx: Context, why: WhyWait): Promise<boolean> {
    const { gone } = this.#parts.session
    const wait = async (ctx: Context) => {
      if (!(await this.#untilOurTurn(ctx))) return
      if (why === 'lock-delay') await this.#untilLockDelayOver(ctx)
      else await this.#untilReleased(ctx)
    }
    const untilGone = async (ctx: Context) => {
      await Promise.race([aborted(gone), aborted(ctx.signal)])
    }
    await firstOf(ctx, [wait, untilGone])
    return !gone.aborted
  }

  /** Tells people why the lock isn't ours, for nobody waits for it. */
  async giveUp(ctx: Context, why: WhyWait): Promise<'busy'> {
    const { watch, reporter } = this.#parts
    const entry = await watch.look(ctx)
    if (entry) watch.checkHolder(entry)
    reporter.gaveUp(why, entry, longestLockDelayMs(entry))
    return 'busy'
  }

  /** Whether those in the queue are gone, or leave a free lock alone. */
  async isQueueIdle(ctx: Context): Promise<boolean> {
    const { queue, watch } = this.#parts
    if (await queue.isAbandoned(ctx)) return true
    for (const start = ctx.clock.now(); ctx.clock.since(start) < COURTESY_MS; ) {
      await watch.look(ctx)
      if (!watch.isFree) return false
      await sleep(ctx, COURTESY_LOOK_MS)
    }
    if (queue.mustWait) return false
    queue.bypass()
    return true
  }

  /** `false` when it isn't our turn, but the lock is ours already, or those before us don't take it. */
  async #untilOurTurn(ctx: Context): Promise<boolean> {
    const { session, watch, queue, reporter } = this.#parts
    let idleSince: Instant | undefined
    for (;;) {
      const entry = await watch.look(ctx)
      if (entry?.session === session.id) {
        // A claim had its effect, and its reply was lost; or it was handed to us.
        queue.markAcquired()
        return false
      }
      const { isFree, claimable } = watch
      if (!isFree) idleSince = undefined
      const ahead = await queue.ahead(ctx, {
        holder: entry?.session,
        plain: claimable ? undefined : entry,
        state: idleSince ? 'idle' : isFree ? 'free' : 'held',
      })
      await this.#standBehind(ctx, entry)
      if (ahead === 0) return true
      if (entry) watch.checkHolder(entry)
      if (ahead !== undefined) {
        if (idleSince && !queue.mustWait && ahead <= skippable(ctx.clock.since(idleSince))) return false
        reporter.queued(ahead, entry)
      }
      const seenAt = ctx.clock.now()
      if (await queue.untilMoved(ctx, isFree)) idleSince = undefined
      else if (isFree) idleSince ??= seenAt
    }
  }

  async #standBehind(ctx: Context, entry: Blocker | undefined): Promise<void> {
    const { queue, watch, onBehind } = this.#parts
    const behind = queue.before ?? entry?.session
    if (queue.isInLine && behind !== undefined && !watch.claimable) await onBehind(ctx, behind)
  }

  async #untilReleased(ctx: Context): Promise<void> {
    const { session, watch, reporter } = this.#parts
    let holder: Blocker | undefined
    for (;;) {
      const entry = watch.lastSeen
      // Our own: it was handed to us, an older state was restored, or we took a claim for refused. Trying again tells.
      if (entry?.session === session.id) return
      if (!entry?.session) {
        this.#lockDelay.begin(ctx, holder)
        return
      }
      holder = entry
      watch.checkHolder(holder)
      reporter.heldBy(holder)
      await watch.untilChanged(ctx)
    }
  }

  async #untilLockDelayOver(ctx: Context): Promise<void> {
    const { watch, reporter, isCompound } = this.#parts
    const knownMs = this.#lockDelay.takeLeftMs(ctx)
    // Of several holders others may go meanwhile.
    const leftMs = isCompound ? 0 : knownMs
    reporter.lockDelayed(leftMs > 0 ? leftMs : longestLockDelayMs(watch.lastSeen))
    await untilNextTry(ctx, leftMs)
  }
}
