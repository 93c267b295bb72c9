import type { Context } from '../../base/context.ts'
import { shellStatus } from '../../child/exit-status.ts'
import { unlessInterrupted } from '../../child/interruptible-wait.ts'
import type { ForwardedSignal, SignalSource } from '../../child/signals.ts'

/**
 * Does work that a signal to us ends, as `unlessInterrupted` does. Settles with the work's exit code, or with `codeOf`
 * the signal; by default that is 128+n.
 */
export async function interruptible(
  ctx: Context,
  signals: SignalSource,
  work: (ctx: Context) => Promise<number>,
  codeOf: (signal: ForwardedSignal) => number = (signal) => shellStatus({ signal }),
): Promise<number> {
  const end = await unlessInterrupted(ctx, signals, work)
  return typeof end === 'number' ? end : codeOf(end.signal)
}
