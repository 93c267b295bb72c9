import { cantListen } from '../../base/cant-listen.ts'
import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { parseHostPort } from '../../base/host-port.ts'
import { type Listener, openListener } from '../../listen/listener.ts'
import type { AgentStatus } from './agent-status.ts'
import { answerTo } from './endpoints.ts'

/**
 * An agent's HTTP interface at `host:port`. It only tells, and rests on the last look: no request waits for the
 * application, and what Consul is told of our health does not come from here. Rejects with a `local` failure when the
 * address can't be had.
 */
export async function openApi(ctx: Context, address: string, status: () => AgentStatus | undefined): Promise<Listener> {
  const where = parseHostPort(address)
  if (!where) throw new Failure('config', `api: there is no address ${address}`)
  try {
    return await openListener(ctx, where, async (asked) => answerTo(asked, status()))
  } catch (thrown) {
    throw cantListen(where, thrown, 'is another agent of this application running here? or give another api')
  }
}
