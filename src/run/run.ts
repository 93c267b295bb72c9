import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { GuardedRun } from './guarded-run.ts'
import type { RunResult } from './run-outcome.ts'
import type { RunDependencies, RunSpec } from './run-spec.ts'
import { waitForGatesAndLock } from './wait-for-gates.ts'
import { waitForLock } from './wait-for-lock.ts'

/**
 * Waits for the lock, runs the command while we hold it, gives the lock back. Rejects with a `Failure` when that can't
 * be done; then the command did not start. When it settles, nothing of ours is left at Consul unless a warning said so.
 */
export async function run(ctx: Context, dependencies: RunDependencies, spec: RunSpec): Promise<RunResult> {
  const { observer } = dependencies
  try {
    const result = await waitAndRun(ctx, dependencies, spec)
    observer?.finished?.(result)
    return result
  } catch (thrown) {
    if (thrown instanceof Failure) observer?.finished?.(thrown)
    throw thrown
  }
}

async function waitAndRun(ctx: Context, dependencies: RunDependencies, spec: RunSpec): Promise<RunResult> {
  const beganAt = ctx.clock.now()
  const { startGates } = dependencies
  const got = await (startGates
    ? waitForGatesAndLock(ctx, dependencies, spec, startGates)
    : waitForLock(ctx, dependencies, spec))
  const waitedMs = Math.round(ctx.clock.since(beganAt))
  if ('kind' in got) return { outcome: got, waitedMs }
  return new GuardedRun(dependencies, spec, got, waitedMs).run(ctx)
}
