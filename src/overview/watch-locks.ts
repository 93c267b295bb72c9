import { firstOf, sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { LONG_POLL_MS } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import { prefixIndex } from '../consul/prefix-index.ts'
import { Retry } from '../consul/retry.ts'
import { ALL_PAUSED_KEY } from '../lock/lock-keys.ts'
import { type LocksRequest, prefixesOf } from './lock-request.ts'
import type { LocksView, LockView } from './lock-view.ts'
import { readLocks } from './read-locks.ts'

/** All is read anew at a change: no sooner than this after the last time, and for a fifth of the time at most. */
const SHORTEST_PAUSE_MS = 200
const PAUSE_PER_READING = 4
/** A lock that is closed, or a pause, is over by now. */
const SLACK_MS = 50
/** What should be open by now is looked at so often. */
const OVERDUE_MS = 1000

/**
 * Calls `receive` with all locks that are asked for, at once and whenever something changes, by blocking queries, and
 * reads no more before it has settled. Waits for Consul through outages, of which the context's log hears, and which
 * `retry` tells of. Rejects with a `Failure` that doesn't pass, as `receive` does, or with the signal's reason.
 */
export async function watchLocks(
  ctx: Context,
  consul: Consul,
  request: LocksRequest,
  receive: (view: LocksView) => void | Promise<void>,
  retry = new Retry(consul),
): Promise<never> {
  const prefixes = [...prefixesOf(request), ALL_PAUSED_KEY]
  let before: LocksView | undefined
  for (;;) {
    // The indexes first: what changes while the values are read is read once more.
    const from = await Promise.all(prefixes.map((prefix) => indexOf(ctx, consul, retry, prefix)))
    const start = ctx.clock.now()
    const view = await retry.until(ctx, () => readLocks(ctx, consul, request))
    const tookMs = ctx.clock.since(start)
    const now: LocksView = { ...view, locks: view.locks.map((lock) => withEarlierEnd(lock, before, view.atMs)) }
    before = now
    await receive(now)
    await sleep(ctx, Math.max(SHORTEST_PAUSE_MS, tookMs * PAUSE_PER_READING))
    await firstOf(ctx, [
      ...prefixes.map((prefix, n) => (ctx: Context) => untilChanged(ctx, consul, retry, prefix, from[n])),
      (ctx) => sleep(ctx, timeLeftMs(now, ctx.clock.now().wallMs)),
    ])
  }
}

/** Consul doesn't tell when a lock was closed: what was told when that was seen first is nearest to the truth. */
function withEarlierEnd(lock: LockView, before: LocksView | undefined, nowMs: number): LockView {
  const { closure } = lock
  const known = closure && before?.locks.find(({ key }) => key === lock.key)?.closure
  if (!known) return lock
  const untilMs = Math.min(closure.untilMs, known.untilMs > nowMs ? known.untilMs : nowMs + OVERDUE_MS)
  return { ...lock, closure: { ...closure, untilMs } }
}

/** The index of a prefix; `undefined` when the token may not see it. */
async function indexOf(ctx: Context, consul: Consul, retry: Retry, prefix: string): Promise<number | undefined> {
  try {
    return (await retry.until(ctx, () => prefixIndex(ctx, consul, prefix))).index
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'refused') return undefined
    throw thrown
  }
}

async function untilChanged(
  ctx: Context,
  consul: Consul,
  retry: Retry,
  prefix: string,
  from: number | undefined,
): Promise<void> {
  if (from === undefined) return sleep(ctx, Number.POSITIVE_INFINITY)
  const read = () => prefixIndex(ctx, consul, prefix, { index: from, waitMs: LONG_POLL_MS })
  while ((await retry.until(ctx, read)).index === from);
}

/** How long until something ends by itself: a pause, or a lock-delay. */
function timeLeftMs({ pause, locks }: LocksView, nowMs: number): number {
  const pauses = [pause, ...locks.map((lock) => lock.pause)].flatMap(
    (view) => Date.parse(view?.pause?.until ?? '') || [],
  )
  const closures = locks.flatMap(({ closure }) => closure?.untilMs ?? [])
  const first = [...pauses, ...closures].reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY)
  return Math.max(0, first - nowMs) + SLACK_MS
}
