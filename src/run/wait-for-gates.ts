import { withAbortGrace } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { unlessInterrupted } from '../child/interruptible-wait.ts'
import { ABORT_GRACE_MS, type HeldLock } from '../lock/acquire-options.ts'
import { claim } from '../lock/claim.ts'
import { release } from '../lock/release.ts'
import type { RunOutcome } from './run-outcome.ts'
import type { AwaitGates, RunDependencies, RunSpec } from './run-spec.ts'
import { waitForLock } from './wait-for-lock.ts'

const ONCE = 0

/**
 * Waits for the gates, then for the lock, both within the run's time to wait: a machine that isn't ready never
 * blocks the others. The wait for it may be long, so the gates are looked at once more when it is ours; if one has shut
 * meanwhile, the lock is given back and all begins again. Settles and rejects as `waitForLock` does.
 */
export async function waitForGatesAndLock(
  ctx: Context,
  dependencies: RunDependencies,
  spec: RunSpec,
  startGates: AwaitGates,
): Promise<HeldLock | RunOutcome> {
  const { guardian, consul } = dependencies
  const beganAt = ctx.clock.now()
  const leftMs = () => (spec.waitMs === 0 ? 0 : Math.max(1, spec.waitMs - ctx.clock.since(beganAt)))
  for (;;) {
    const shut = await whyShut(ctx, dependencies, startGates, leftMs())
    if (shut) return shut
    const got = await waitForLock(ctx, dependencies, { ...spec, waitMs: leftMs() })
    if ('kind' in got) return got
    const sure = await unlessInterrupted(ctx, dependencies.signals, (ctx) =>
      confirm(ctx, dependencies, startGates, got),
    )
    if (sure && !('kind' in sure)) return sure
    await release(ctx, consul, got)
    if (sure) {
      guardian.dismiss()
      return sure
    }
    ctx.log.notice(`a gate before ${spec.lock.name} has shut while it waited for the lock; waiting again`)
  }
}

/** Settles with why the command can't start; `undefined` when the gates are open. */
async function whyShut(
  ctx: Context,
  { signals, guardian }: RunDependencies,
  startGates: AwaitGates,
  timeoutMs: number,
): Promise<RunOutcome | undefined> {
  let isOpen = false
  try {
    const end = await unlessInterrupted(ctx, signals, (ctx) => startGates(ctx, timeoutMs))
    if ('kind' in end) return end
    isOpen = end.length === 0
    return isOpen ? undefined : { kind: 'unready', missing: end }
  } finally {
    if (!isOpen) guardian.dismiss()
  }
}

/**
 * Looks again, and then whether the lock is still ours: looking may take its time. `undefined` when not all is well.
 */
async function confirm(
  ctx: Context,
  { consul }: RunDependencies,
  startGates: AwaitGates,
  held: HeldLock,
): Promise<HeldLock | undefined> {
  try {
    const missing = await startGates(ctx, ONCE)
    if (missing.length > 0) return undefined
    const again = await withAbortGrace(ctx, ABORT_GRACE_MS, (ctx) =>
      held.compound ? held.compound.claim(ctx, held, true, [], []) : claim(ctx, consul, held, 'ours'),
    )
    const isOurs = again.kind === 'held' && held.session.hasTimeToStart()
    return isOurs ? { ...held, fence: again.fence } : undefined
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.debug(`the gates could not be looked at again: ${thrown.message}`)
    return undefined
  }
}
