import { firstOf, sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { LONG_POLL_MS, type QueryOptions } from '../consul/blocking-query.ts'
import type { Retry } from '../consul/retry.ts'

/** Something at Consul that changes, by its index: settles at once, or when it passes the given one. */
export type Source = (ctx: Context, options: QueryOptions) => Promise<{ readonly index: number }>

/** All is read anew at a change: no sooner than this after the last time, and for a tenth of the time at most. */
const SHORTEST_PAUSE_MS = 200
const PAUSE_PER_READING = 9

/**
 * Reads something at once, and whenever one of its sources changes, by blocking queries. Waits for Consul through
 * outages. Rejects with a `Failure` that doesn't pass, or with the signal's reason. A source that the token may not see
 * never changes.
 */
export async function watchReading<T>(
  ctx: Context,
  retry: Retry,
  sources: readonly Source[],
  read: (ctx: Context) => Promise<T>,
  receive: (reading: T) => void,
): Promise<never> {
  for (;;) {
    // The indexes first: what changes while the values are read is read once more.
    const from = await Promise.all(sources.map((source) => indexOf(ctx, retry, source, {})))
    const start = ctx.clock.now()
    receive(await retry.until(ctx, () => read(ctx)))
    await sleep(ctx, Math.max(SHORTEST_PAUSE_MS, ctx.clock.since(start) * PAUSE_PER_READING))
    await firstOf(
      ctx,
      sources.map((source, n) => (ctx: Context) => untilChanged(ctx, retry, source, from[n])),
    )
  }
}

async function indexOf(ctx: Context, retry: Retry, source: Source, options: QueryOptions): Promise<number | undefined> {
  try {
    return (await retry.until(ctx, () => source(ctx, options))).index
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'refused') return undefined
    throw thrown
  }
}

async function untilChanged(ctx: Context, retry: Retry, source: Source, from: number | undefined): Promise<void> {
  if (from === undefined) return sleep(ctx, Number.POSITIVE_INFINITY)
  while ((await indexOf(ctx, retry, source, { index: from, waitMs: LONG_POLL_MS })) === from);
}
