import { scope, unlessAborted } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { unlessInterrupted } from '../child/interruptible-wait.ts'
import { acquire } from '../lock/acquire.ts'
import { type HeldLock, WAIT_OVER } from '../lock/acquire-options.ts'
import type { WaitOutcome } from './run-outcome.ts'
import type { Contend, WaitDependencies, WaitSpec } from './run-spec.ts'

/**
 * Settles with the lock, or with why it isn't ours: it was busy, a rider skips the run, or a signal ended the wait. A
 * second signal doesn't even wait for the clearing away; the guardian does that then. Rejects with a `Failure`.
 */
export function waitForLock(
  ctx: Context,
  dependencies: WaitDependencies,
  spec: WaitSpec,
): Promise<HeldLock | WaitOutcome> {
  return unlessInterrupted(ctx, dependencies.signals, async (ctx): Promise<HeldLock | WaitOutcome> => {
    let won: HeldLock | WaitOutcome = { kind: 'busy' }
    try {
      won = await acquireInTime(ctx, dependencies, spec)
    } finally {
      if ('kind' in won) dependencies.guardian.dismiss()
    }
    return won
  })
}

async function acquireInTime(
  ctx: Context,
  { consul, guardian, observer, contend = always }: WaitDependencies,
  spec: WaitSpec,
): Promise<HeldLock | WaitOutcome> {
  using wait = scope(ctx.signal)
  // Broken surroundings must not be found out when somebody has waited for the lock.
  const { failed } = guardian
  const giveUp = () => wait.abort(failed.reason)
  failed.addEventListener('abort', giveUp, { once: true })
  const isLimited = spec.waitMs > 0 && Number.isFinite(spec.waitMs)
  const cancel = isLimited ? ctx.clock.after(spec.waitMs, () => wait.abort(WAIT_OVER)) : () => {}
  try {
    const once = spec.waitMs === 0
    const won = await contend(under(ctx, wait.signal), once, (ctx) =>
      acquire(ctx, consul, {
        ...spec.lock,
        once,
        ...(isLimited && { waitMs: spec.waitMs }),
        onSession: (id) => {
          guardian.setSession(id)
          return unlessAborted(ctx.signal, guardian.ready())
        },
        onWaiting: (sentence) => observer?.waiting?.(sentence),
      }),
    )
    if (won === 'busy' && isLimited) {
      ctx.log.notice(`${spec.lock.name} was still busy after ${formatDuration(spec.waitMs)}`)
    }
    return typeof won === 'string' ? { kind: won } : won
  } finally {
    cancel()
    failed.removeEventListener('abort', giveUp)
  }
}

const always: Contend = (ctx, _once, attempt) => attempt(ctx)
