import { AbortReason, scope, unlessAborted } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import type { Child } from './child.ts'
import type { ExitStatus } from './exit-status.ts'

/** How a command came to its end. */
export interface LimitedEnd {
  /** By itself, or by us: because its time was over, or because the context's signal said so. */
  readonly status: ExitStatus | 'too-late' | 'interrupted'
  /** Whether nothing of it runs any more, as far as that can be seen: KILL doesn't end everything. */
  readonly isGone: boolean
}

const TOO_LATE = new AbortReason('the time of the command is over')

/**
 * Waits for a command's own end, and ends it when its time (in milliseconds) is over or the signal aborts. `graceMs` is
 * told the signal's reason, if there is one, and gives the time from TERM to KILL. Never rejects.
 */
export async function endWithin(
  ctx: Context,
  child: Pick<Child, 'exited' | 'stop'>,
  timeoutMs: number,
  graceMs: (reason: unknown) => number,
): Promise<LimitedEnd> {
  using bounded = scope(ctx.signal)
  const cancel = ctx.clock.after(timeoutMs, () => bounded.abort(TOO_LATE))
  try {
    return { status: await unlessAborted(bounded.signal, child.exited), isGone: true }
  } catch (thrown) {
    const isLate = thrown === TOO_LATE
    const grace = graceMs(isLate ? undefined : thrown)
    const isGone = await child.stop(under(ctx, new AbortController().signal), grace)
    return { status: isLate ? 'too-late' : 'interrupted', isGone }
  } finally {
    cancel()
  }
}
