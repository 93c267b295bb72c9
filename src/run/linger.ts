import { aborted, firstOf, unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { ExitStatus } from '../child/exit-status.ts'
import { unlessInterrupted } from '../child/interruption.ts'
import type { SignalSource } from '../child/signals.ts'
import type { Hold } from '../lock/hold.ts'
import { DEADLINE, type Loss } from '../lock/loss.ts'
import type { Session } from '../lock/session.ts'
import type { Outcome, World } from './job.ts'

interface Lingering {
  readonly gatesAfter: NonNullable<World['gatesAfter']>
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
export async function linger(
  ctx: Context,
  { gatesAfter, signals, hold, session, status }: Lingering,
): Promise<Outcome> {
  const lost = (loss: Loss): Outcome => ({ kind: 'lost', loss, status })
  const open = async (ctx: Context): Promise<Outcome> => {
    const missing = await gatesAfter(ctx).catch(asMissing)
    if (session.leaseLeftMs() <= 0) return lost(DEADLINE)
    return missing.length > 0 ? { kind: 'unsettled', status, missing } : { kind: 'ran', status }
  }
  return firstOf<Outcome>(ctx, [
    (ctx) => unlessInterrupted(ctx, signals, open),
    async (ctx) => lost((await unlessAborted(ctx.signal, aborted(hold.lost))) as Loss),
  ])
}

function asMissing(thrown: unknown): string[] {
  if (thrown instanceof Failure) return [thrown.message]
  throw thrown
}
