import { scope } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import type { Retry } from '../consul/retry.ts'
import type { SwitchStep } from './protocol.ts'

/** For so long an outage of Consul prolongs a step. An election takes some 20 s at Consul's own settings. */
const OUTAGE_MS = 300_000

/**
 * Works on a step for `stepMs` milliseconds. Its time doesn't count while Consul doesn't answer: an election must not
 * end with nobody running. Settles as `work` does, or rejects with a `timed-out` failure when the time is over.
 */
export async function withinStep<T>(
  ctx: Context,
  step: SwitchStep | undefined,
  stepMs: number,
  retry: Retry,
  work: (ctx: Context) => Promise<T>,
): Promise<T> {
  using bounded = scope(ctx.signal)
  const outage = retry.outage(ctx)
  let cancel = () => {}
  const late = (grantedMs: number) => {
    const lostMs = Math.min(outage(), OUTAGE_MS)
    if (lostMs <= grantedMs) bounded.abort(tooLate(step, stepMs, retry.failure))
    else cancel = ctx.clock.after(lostMs - grantedMs, () => late(lostMs))
  }
  cancel = ctx.clock.after(stepMs, () => late(0))
  try {
    return await work({ ...ctx, signal: bounded.signal })
  } finally {
    cancel()
  }
}

/** `trouble` is what Consul ails meanwhile. */
function tooLate(step: SwitchStep | undefined, stepMs: number, trouble: Failure | undefined): Failure {
  const time = formatDuration(stepMs)
  if (step?.kind === 'fence') {
    return new Failure('timed-out', `${step.at.node} was not fenced within ${time}`, {
      hint: 'give a longer --step-timeout; or switch it off by hand, then start-primary --force --fenced',
    })
  }
  if (step?.kind !== 'await' && step?.kind !== 'confirm') {
    return new Failure('timed-out', trouble?.message ?? `Consul let nothing be changed within ${time}`)
  }
  const { kind, direction, at } = step
  const done = kind === 'confirm' ? 'has not started' : direction === 'demote' ? 'has not stopped' : 'was not ready'
  return new Failure('timed-out', `${at.node} ${done} within ${time}`, {
    hint: `see that the watch on its ${direction} flag runs there${kind === 'confirm' ? ', and that its check passes' : ''}`,
  })
}
