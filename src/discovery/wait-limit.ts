import { AbortReason, scope } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { REQUEST_TIMEOUT_MS } from '../consul/consul.ts'
import type { Retry } from '../consul/retry.ts'

const OVER = new AbortReason('the time to wait is over')

/**
 * Bounds work that looks at the time itself, for when Consul doesn't answer: it is aborted a little after `ms`
 * milliseconds. Settles as the work does; with `undefined` when it was aborted and nothing is wrong. Rejects with the
 * trouble that Consul was in then.
 */
export async function withWaitLimit<T>(
  ctx: Context,
  ms: number,
  retry: Retry,
  work: (ctx: Context) => Promise<T>,
): Promise<T | undefined> {
  using wait = scope(ctx.signal)
  const cancel = ctx.clock.after(ms + REQUEST_TIMEOUT_MS, () => wait.abort(OVER))
  try {
    return await work(under(ctx, wait.signal))
  } catch (thrown) {
    if (thrown !== OVER) throw thrown
    if (retry.failure) throw retry.failure
    return undefined
  } finally {
    cancel()
  }
}
