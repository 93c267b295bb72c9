import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import { Contender } from './contender.ts'
import { type Contest, type Held, type Persist, WAIT_OVER } from './contest.ts'
import { Opening } from './opening.ts'
import type { Session, SessionTerms } from './session.ts'

/**
 * Waits for the lock. Settles with it, or with `'busy'` when it wasn't free for a contest that tries once or whose
 * wait is over. Rejects with a `Failure`, or with the signal's reason; then nothing of ours is left at Consul, as far
 * as that can be reached.
 */
export async function contend(ctx: Context, consul: Consul, contest: Contest): Promise<Held | 'busy'> {
  const retry = new Retry(consul)
  const persist: Persist = (ctx, task) => (contest.once ? task() : retry.until(ctx, task))
  try {
    for (;;) {
      const session = await opened(ctx, new Opening(consul, termsOf(contest)), persist)
      ctx.log.mark('session created')
      const result = await new Contender(ctx, consul, contest, session, persist).contend()
      if (result !== 'session-gone') return result
      ctx.log.debug('the session expired while waiting; making another')
    }
  } catch (thrown) {
    if (thrown !== WAIT_OVER) throw thrown
    if (retry.trouble) throw retry.trouble
    return 'busy'
  }
}

async function opened(ctx: Context, opening: Opening, persist: Persist): Promise<Session> {
  try {
    return await persist(ctx, () => opening.open(ctx))
  } catch (thrown) {
    await opening.abandon(ctx)
    throw thrown
  }
}

function termsOf({ sessionName: name, timing, checks }: Contest): SessionTerms {
  return { name, timing, checks }
}
