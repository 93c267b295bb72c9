import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry, type RetryPolicy } from '../consul/retry.ts'
import { type AcquireOptions, type HeldLock, type NotHeld, WAIT_OVER } from './acquire-options.ts'
import { Acquisition } from './acquisition.ts'
import { prepareRiders } from './riders.ts'
import type { Session, SessionOptions } from './session.ts'
import { SessionCreation } from './session-creation.ts'

/**
 * Waits for the lock. Settles with it; with `'busy'` when it wasn't free at the only try (`once`), or until the wait
 * was over; or with `'skipped'` when one of its riders said that there is nothing to wait for. Rejects with a
 * `Failure`, or with the signal's reason; then nothing of ours is left at Consul, as far as that can be reached.
 */
export async function acquire(ctx: Context, consul: Consul, options: AcquireOptions): Promise<HeldLock | NotHeld> {
  const retry = new Retry(consul, { waitMs: options.waitMs })
  const retrying: RetryPolicy = (ctx, task) => (options.once ? task() : retry.until(ctx, task))
  const { riders = [] } = options
  try {
    const tell = (sentence: string) => ctx.log.notice(sentence)
    const nowMs = ctx.clock.now().wallMs
    const attempt = { consul, seen: undefined, isOurs: false, nowMs, once: options.once, tell }
    const advice = await prepareRiders(ctx, riders, attempt, retrying)
    if (advice === 'busy' || advice === 'skipped') return advice
    for (;;) {
      const session = await openSession(ctx, new SessionCreation(consul, sessionOptions(options)), retrying)
      ctx.log.mark('session created')
      const compound = await options.compound?.(consul, session.id, options.ancestors)
      const result = await new Acquisition(ctx, consul, options, session, retrying, nowMs, compound).run()
      if (result !== 'session-gone') return result
      ctx.log.debug('the session expired while waiting; making another')
    }
  } catch (thrown) {
    if (thrown !== WAIT_OVER) throw thrown
    const why = retry.whyOver('busy' as const)
    if (why === 'busy') return why
    throw why
  }
}

async function openSession(ctx: Context, opening: SessionCreation, retrying: RetryPolicy): Promise<Session> {
  try {
    return await retrying(ctx, () => opening.attempt(ctx))
  } catch (thrown) {
    await opening.abandon(ctx)
    throw thrown
  }
}

function sessionOptions({ sessionName: name, timing, checks, behavior }: AcquireOptions): SessionOptions {
  return { name, timing, checks, behavior }
}
