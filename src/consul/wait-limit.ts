import { AbortReason, scope } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import type { Consul } from './consul.ts'
import type { Retry } from './retry.ts'

const OVER = new AbortReason('the time to wait is over')

/**
 * Bounds a wait for Consul, attempts and retries alike, to `ms` milliseconds. Settles as the work does, or with what it
 * saw last when the time is over. Rejects with the trouble that Consul is in then, or when it has told nothing by then.
 */
export async function withWaitLimit<T>(
  ctx: Context,
  consul: Consul,
  ms: number,
  retry: Retry,
  work: (ctx: Context, saw: (last: T) => void) => Promise<T>,
): Promise<T> {
  using wait = scope(ctx.signal)
  const cancel = ctx.clock.after(ms, () => wait.abort(OVER))
  let last: { readonly seen: T } | undefined
  const saw = (seen: T) => {
    last = { seen }
  }
  try {
    return await work(under(ctx, wait.signal), saw)
  } catch (thrown) {
    if (thrown !== OVER) throw thrown
    if (retry.failure) throw retry.failure
    if (last) return last.seen
    throw consul.silence(ms)
  } finally {
    cancel()
  }
}
