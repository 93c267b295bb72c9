import { AbortReason, scope, unlessAborted } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { ENDS_US, type ForwardedSignal, type SignalSource, stopSelf } from './signals.ts'

/** A signal told us to end. */
export class Interrupted extends AbortReason {
  readonly kind = 'interrupted'
  readonly signal: ForwardedSignal

  constructor(signal: ForwardedSignal) {
    super(`${signal} ended it`)
    this.signal = signal
  }
}

/**
 * Does something that only waits, while no child runs that signals could be for. A signal that ends a wait aborts the
 * work, and this settles with the signal once the work has settled, or at a second one. Settles as the work does
 * otherwise.
 */
export async function unlessInterrupted<T>(
  ctx: Context,
  signals: SignalSource,
  work: (ctx: Context) => Promise<T>,
): Promise<T | Interrupted> {
  using wait = scope(ctx.signal)
  using hurry = scope(ctx.signal)
  let interruption: Interrupted | undefined
  using _listening = signals.listen((signal) => {
    if (signal === 'SIGTSTP') stopSelf()
    if (!ENDS_US.includes(signal)) return
    ctx.log.debug(`${signal} ends us`)
    if (interruption) hurry.abort(interruption)
    interruption ??= new Interrupted(signal)
    wait.abort(interruption)
  })
  try {
    return await unlessAborted(hurry.signal, work(under(ctx, wait.signal)))
  } catch (thrown) {
    if (interruption && thrown === interruption) return interruption
    throw thrown
  }
}
