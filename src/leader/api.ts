import type { Context } from '../base/context.ts'
import { printable } from '../base/excerpt.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { parseHostPort } from '../base/host-port.ts'
import { type Answer, type Asked, type Listener, openListener } from '../listen/listener.ts'
import { expose } from './metrics.ts'
import type { View } from './view.ts'

/**
 * An agent's HTTP interface at `host:port`. It only tells, and rests on the last look: no request waits for the
 * application, and what Consul is told of our health does not come from here. Rejects with a `declined` failure when the
 * address is taken.
 */
export async function openApi(ctx: Context, address: string, view: () => View | undefined): Promise<Listener> {
  const where = parseHostPort(address)
  if (!where) throw new Failure('config', `api: there is no address ${address}`)
  try {
    return await openListener(ctx, where, (asked) => answerTo(asked, view()))
  } catch (thrown) {
    const isTaken = (thrown as NodeJS.ErrnoException).code === 'EADDRINUSE'
    throw new Failure('declined', `can't listen on ${address}: ${isTaken ? 'it is taken' : messageOf(thrown)}`, {
      hint: isTaken ? 'is another agent of this application running here? or give another api' : undefined,
      cause: thrown,
    })
  }
}

async function answerTo({ method, path }: Asked, view: View | undefined): Promise<Answer> {
  // HAProxy asks with OPTIONS unless it is told otherwise.
  if (!['GET', 'HEAD', 'OPTIONS'].includes(method)) return json(405, 'Only GET, HEAD and OPTIONS are understood')
  if (path === '/agent') return json(200, 'here')
  if (!view) return json(503, 'The agent is starting')
  if (path === '/health' || path.startsWith('/health/')) return json(view.healthy ? 200 : 500, view.message)
  switch (path) {
    case '/role':
      return json(200, view.role)
    case '/master':
      return json(view.role === 'master' ? 200 : 503, view.role)
    case '/replica':
      return json(view.role === 'slave' ? 200 : 503, view.role)
    case '/status':
      return json(200, view)
    case '/metrics':
      return { status: 200, ...(await expose(view)) }
    default:
      return json(404, 'Unsupported endpoint')
  }
}

function json(status: number, value: unknown): Answer {
  return { status, type: 'application/json', text: `${printable(JSON.stringify(value))}\n` }
}
