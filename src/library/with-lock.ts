import * as v from 'valibot'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { Loss } from '../lock/loss.ts'
import { inPeriod } from '../run/history/period-rider.ts'
import type { RunOutcome } from '../run/run-outcome.ts'
import { LockLost } from './errors.ts'
import { aFunction, given, givenOptions, type SchemasOf, yesOrNo } from './given.ts'
import { aDuration, type Duration } from './given-duration.ts'
import type { Held } from './held.ts'
import type { OwnLock } from './lock.ts'
import { obtain, type Request, unlessShared } from './obtain.ts'
import { GIVEN_LOCK_OPTIONS, type LockOptions } from './options.ts'
import { PROCESS, type Surroundings } from './surroundings.ts'

/** What `withLock` takes beside a lock's options. */
export interface WithLockOptions extends LockOptions {
  /**
   * Once in this time in the whole fleet, by the same history as the command's `--once-per`: when it started less than
   * this ago, `withLock` rejects with the code `skipped`.
   */
  readonly oncePer?: Duration | undefined
  /** Of earlier runs only successes count for `oncePer`. */
  readonly onSuccess?: boolean | undefined
}

const OPTIONS = v.strictObject({
  ...GIVEN_LOCK_OPTIONS.entries,
  oncePer: v.optional(aDuration),
  onSuccess: v.optional(yesOrNo),
} satisfies SchemasOf<WithLockOptions>)

type End<T> = { readonly value: T } | { readonly thrown: unknown }

/**
 * Waits for a lock, does the work while it is ours, gives it back. Settles as the work does.
 *
 * Rejects with a {@link ConsulLockerError} when the lock can't be had, with the reason of `options.signal` when that
 * aborts meanwhile, and with a {@link LockLost} when the lock was lost while the work was done, whatever the work came
 * to: then its signal has aborted before. The lock is given back only when the work has settled.
 */
export function withLock<T>(
  name: string,
  work: (held: Held) => T | PromiseLike<T>,
  options: WithLockOptions = {},
): Promise<T> {
  return withLockIn(PROCESS, name, work, options)
}

/**
 * `withLock` in these surroundings.
 * @internal
 */
export async function withLockIn<T>(
  surroundings: Surroundings,
  name: string,
  work: (held: Held) => T | PromiseLike<T>,
  options: WithLockOptions,
): Promise<T> {
  given('the work', aFunction(), work)
  const wanted = givenOptions('withLock', OPTIONS, options)
  const { lock, request, ctx, waitedMs } = await obtain(surroundings, name, wanted, {
    prepare: (consul, request) => periodic(consul, request, wanted),
  })
  const beganAt = ctx.clock.now()
  const end = await ended(lock, work, wanted.signal)
  const { loss } = lock
  const status = { code: 'value' in end ? 0 : 1 }
  const outcome: RunOutcome = loss
    ? { kind: 'lost', loss: new Loss(loss.loss, loss.message), status }
    : { kind: 'ran', status }
  request.history.ended({ outcome, fence: lock.fence, waitedMs, ranMs: Math.round(ctx.clock.since(beganAt)) })
  await lock.release()
  if (loss) throw withCause(loss, end)
  if ('thrown' in end) throw end.thrown
  return end.value
}

async function ended<T>(lock: OwnLock, work: (held: Held) => T | PromiseLike<T>, stop?: AbortSignal): Promise<End<T>> {
  const interrupt = () => lock.interrupt(stop?.reason)
  if (stop?.aborted) interrupt()
  stop?.addEventListener('abort', interrupt, { once: true })
  try {
    return { value: await work(lock) }
  } catch (thrown) {
    return { thrown }
  } finally {
    stop?.removeEventListener('abort', interrupt)
  }
}

/** The request, once in a period if that is wanted. Throws a `usage` failure. */
function periodic(consul: Consul, request: Request, options: v.InferOutput<typeof OPTIONS>): Request {
  const { oncePer: oncePerMs, onSuccess = false } = options
  if (oncePerMs === undefined) {
    if (!onSuccess) return request
    throw new Failure('usage', 'onSuccess is about runs that are skipped, and nothing says when to skip one', {
      hint: 'leave it out, or add oncePer',
    })
  }
  unlessShared('oncePer', options)
  if (oncePerMs === 0) throw new Failure('usage', 'oncePer is 0: nothing would ever be skipped')
  return inPeriod(consul, request, { oncePerMs, onSuccess })
}

/** The loss, with what the work threw, unless that was the loss itself. */
function withCause<T>(loss: LockLost, end: End<T>): LockLost {
  if (!('thrown' in end) || end.thrown === loss) return loss
  return new LockLost(loss.lock, loss.loss, loss.message, { cause: end.thrown })
}
