import { AbortReason, aborted, firstOf, sleep, unlessAborted, withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { messageOf } from '../base/failure.ts'
import { type Guardian, NO_GUARDIAN } from '../child/guardian.ts'
import { ENDS_US, type ForwardedSignal, type SignalSource, stopSelf } from '../child/signals.ts'
import type { Consul } from '../consul/consul.ts'
import { type HeldLock, UNWANTED } from '../lock/acquire-options.ts'
import { Hold } from '../lock/hold.ts'
import { DEADLINE_PASSED, type Loss, lossIn } from '../lock/loss.ts'
import { release } from '../lock/release.ts'
import { requesterIn } from './release-request.ts'
import type { WaitOutcome } from './run-outcome.ts'
import type { RunDependencies, RunSpec } from './run-spec.ts'
import { waitForLock } from './wait-for-lock.ts'

/** A lock that is wanted for work that is no command of ours. */
export interface KeepSpec extends Pick<RunSpec, 'lock' | 'waitMs' | 'runId'> {
  /** For so long at most, in milliseconds. */
  readonly keepMs: number
}

/** What keeping a lock needs from outside. */
export interface KeepDependencies extends Pick<RunDependencies, 'consul' | 'serveLease'> {
  readonly signals: SignalSource
  /** Who works under the lock. */
  readonly users: LockUsers
}

/** Those who work under a lock that we keep for them. */
export interface LockUsers {
  /** Aborts when they are done, or have ended. */
  readonly gone: AbortSignal
  /** Whether they are at work for as long as `gone` hasn't aborted, and rely on the lock. */
  readonly areSeen: boolean
  /** Tells them that the lock is theirs. Rejects with a `Failure` when they can't hear it. */
  tell(held: HeldLock): Promise<void>
  /** Tells them who asks for it. */
  ask(by: string): void
}

/**
 * How keeping a lock ended:
 * - `busy`, `interrupted`: it was never ours; see `RunOutcome`
 * - `unneeded`: its users were gone before it was ours
 * - `given-back`: they were gone, or nobody was seen at work, and it was asked for (`by` whom), or a signal came
 * - `given-up`: a signal came or its time was over, while they may have been at work
 * - `lost`: it left us
 */
export type KeepEnd =
  | WaitOutcome
  | { readonly kind: 'unneeded' }
  | { readonly kind: 'given-back'; readonly by?: string; readonly signal?: ForwardedSignal }
  | { readonly kind: 'given-up'; readonly signal?: ForwardedSignal }
  | { readonly kind: 'lost'; readonly loss: Loss }

/** So long may it take to close an overdue lock; its session dies by itself. */
const CLOSE_MS = 2000

/** These come from a terminal to all who work there, and are for them to answer. */
const OF_TERMINALS: readonly ForwardedSignal[] = ['SIGINT', 'SIGQUIT', 'SIGTSTP']

/**
 * Waits for the lock, and keeps it until its users are gone. They aren't ours to stop. So while they are seen at work
 * it is never given back: one that is lost or given up stays closed for its lock-delay, in which they can notice.
 * Should we be killed, nobody gives it back in our place, either. Rejects with a `Failure`; then they weren't told that
 * it is theirs.
 */
export async function keepLock(ctx: Context, dependencies: KeepDependencies, spec: KeepSpec): Promise<KeepEnd> {
  const got = await waitWhileNeeded(ctx, dependencies, spec)
  return 'kind' in got ? got : keep(ctx, dependencies, spec, got)
}

async function waitWhileNeeded(
  ctx: Context,
  dependencies: KeepDependencies,
  spec: KeepSpec,
): Promise<HeldLock | WaitOutcome | { readonly kind: 'unneeded' }> {
  const { gone } = dependencies.users
  const unwanted = new AbortController()
  const giveUp = () => unwanted.abort(UNWANTED)
  if (gone.aborted) giveUp()
  gone.addEventListener('abort', giveUp, { once: true })
  const { signal: failed } = unwanted
  // As when a guardian fails: the wait is cleaned up behind before it ends.
  const guardian: Guardian = { ...NO_GUARDIAN, failed, ready: async () => failed.throwIfAborted() }
  try {
    return await waitForLock(ctx, { ...dependencies, guardian }, spec)
  } catch (thrown) {
    if (thrown !== UNWANTED) throw thrown
    return { kind: 'unneeded' }
  } finally {
    gone.removeEventListener('abort', giveUp)
  }
}

async function keep(ctx: Context, dependencies: KeepDependencies, spec: KeepSpec, held: HeldLock): Promise<KeepEnd> {
  const { consul, serveLease } = dependencies
  const { session } = held
  const asked = new AbortController()
  const hold = new Hold(ctx, consul, held, ({ value }) => {
    const by = requesterIn(value, spec.runId)
    if (by !== undefined) asked.abort(new AbortReason(by))
  })
  let end: KeepEnd = { kind: 'given-back' }
  try {
    const lease = () => ({ held: !hold.lost.aborted, leftMs: session.leaseLeftMs(), fence: hold.fence })
    using _answering = await serveLease(lease)
    end = await untilOver(ctx, dependencies, spec, { held, lost: hold.lost, asked: asked.signal })
    // Who wakes from a suspension may hear of the users' end before the deadline that passed meanwhile.
    if (end.kind === 'given-back' && session.leaseLeftMs() <= 0) end = { kind: 'lost', loss: DEADLINE_PASSED }
    return end
  } finally {
    hold.expectEnd()
    session.end()
    if (end.kind === 'given-back') await release(ctx, consul, held)
    else if (end.kind === 'given-up') await close(ctx, consul, held)
    await hold.end()
  }
}

interface Watched {
  readonly held: HeldLock
  readonly lost: AbortSignal
  /** Aborts when somebody asks for the lock; the reason says who. */
  readonly asked: AbortSignal
}

/** Settles with what comes first. Rejects when the users can't be told that the lock is theirs. */
function untilOver(
  ctx: Context,
  { users, signals }: KeepDependencies,
  { keepMs, lock }: KeepSpec,
  { held, lost, asked }: Watched,
): Promise<KeepEnd> {
  const after = (signal: AbortSignal, end: (ctx: Context) => KeepEnd | Promise<KeepEnd>) => async (ctx: Context) => {
    await unlessAborted(ctx.signal, aborted(signal))
    return end(ctx)
  }
  return firstOf<KeepEnd>(ctx, [
    after(lost, () => ({ kind: 'lost', loss: lossIn(lost) })),
    after(users.gone, () => ({ kind: 'given-back' })),
    after(asked, async (ctx) => {
      const by = String(asked.reason)
      users.ask(by)
      if (users.areSeen) await unlessAborted(ctx.signal, aborted(users.gone))
      return { kind: 'given-back', by }
    }),
    async (ctx) => {
      const next = (ctx: Context) => endingSignal(ctx, signals, users.areSeen ? OF_TERMINALS : [])
      const signal = await next(ctx)
      if (!users.areSeen) return { kind: 'given-back', signal }
      await firstOf<unknown>(ctx, [(ctx) => sleep(ctx, lock.timing.graceMs), next])
      return { kind: 'given-up', signal }
    },
    async (ctx) => {
      await users.tell(held)
      await sleep(ctx, keepMs)
      return { kind: 'given-up' }
    },
  ])
}

/** Waits for a signal that ends us, but for those to be left to others. */
async function endingSignal(
  ctx: Context,
  signals: SignalSource,
  others: readonly ForwardedSignal[],
): Promise<ForwardedSignal> {
  const { promise, resolve } = Promise.withResolvers<ForwardedSignal>()
  using _listening = signals.listen((signal) => {
    if (others.includes(signal)) return
    if (signal === 'SIGTSTP') stopSelf()
    if (ENDS_US.includes(signal)) resolve(signal)
  })
  return await unlessAborted(ctx.signal, promise)
}

/** Has Consul keep the lock closed for its lock-delay, from now on. */
async function close(ctx: Context, consul: Consul, { session }: HeldLock): Promise<void> {
  try {
    await withDeadline(ctx, CLOSE_MS, (ctx) => session.destroy(ctx, consul))
  } catch (thrown) {
    ctx.log.debug(`the session ${session.id} is left to expire: ${messageOf(thrown)}`)
  }
}
