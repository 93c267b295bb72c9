import { scope } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { shellStatus } from '../child/exit-status.ts'
import { ENDS_US, type ForwardedSignal, type SignalSource } from '../child/signals.ts'

/**
 * Does work that a signal to us ends: the context's signal aborts then, and the work should reject with its reason.
 * Settles with the work's exit code, or with `codeOf` the signal; by default that is 128+n.
 */
export async function interruptible(
  ctx: Context,
  signals: SignalSource,
  work: (ctx: Context) => Promise<number>,
  codeOf: (signal: ForwardedSignal) => number = (signal) => shellStatus({ signal }),
): Promise<number> {
  using stop = scope(ctx.signal)
  let received: ForwardedSignal | undefined
  using _listening = signals.listen((signal) => {
    if (!ENDS_US.includes(signal)) return
    ctx.log.debug(`${signal} ends us`)
    received ??= signal
    stop.abort(received)
  })
  try {
    return await work({ ...ctx, signal: stop.signal })
  } catch (thrown) {
    if (received === undefined || thrown !== received) throw thrown
    return codeOf(received)
  }
}
