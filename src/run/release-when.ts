import { aborted, firstOf, unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { ExitStatus } from '../child/exit-status.ts'
import { unlessInterrupted } from '../child/interruptible-wait.ts'
import type { SignalSource } from '../child/signals.ts'
import type { Hold } from '../lock/hold.ts'
import { DEADLINE_PASSED, type Loss, lossIn } from '../lock/loss.ts'
import type { Session } from '../lock/session.ts'
import type { RunOutcome } from './run-outcome.ts'
import type { RunDependencies } from './run-spec.ts'

interface ReleaseWhen {
  readonly releaseGates: NonNullable<RunDependencies['releaseGates']>
  readonly signals: SignalSource
  readonly hold: Hold
  readonly session: Session
  /** How the command ended. */
  readonly status: ExitStatus
}

/**
 * Keeps the lock after a command's success until the gates after it open. Settles with how the run ended by that; what
 * goes wrong meanwhile can't undo the command, and never rejects.
 */
export async function holdUntilReleasable(
  ctx: Context,
  { releaseGates, signals, hold, session, status }: ReleaseWhen,
): Promise<RunOutcome> {
  const lost = (loss: Loss): RunOutcome => ({ kind: 'lost', loss, status })
  const open = async (ctx: Context): Promise<RunOutcome> => {
    const missing = await releaseGates(ctx).catch(asMissing)
    if (session.leaseLeftMs() <= 0) return lost(DEADLINE_PASSED)
    return missing.length > 0 ? { kind: 'unsettled', status, missing } : { kind: 'ran', status }
  }
  return firstOf<RunOutcome>(ctx, [
    (ctx) => unlessInterrupted(ctx, signals, open),
    async (ctx) => {
      await unlessAborted(ctx.signal, aborted(hold.lost))
      return lost(lossIn(hold.lost))
    },
  ])
}

function asMissing(thrown: unknown): string[] {
  if (thrown instanceof Failure) return [thrown.message]
  throw thrown
}
