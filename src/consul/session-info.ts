import type { Context } from '../base/context.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from './consul.ts'
import { isName, isObject, textIn } from './fields.ts'

/** What Consul knows of a session. */
export interface SessionInfo {
  /** As its creator calls it; may be empty. */
  readonly name: string
  readonly node: string
  /** How long the keys that it holds stay closed when it dies. */
  readonly lockDelayMs: number
}

const NS_PER_MS = 1_000_000

/** Reads a session; `undefined` when there is none, or the token may not see it. */
export async function readSession(ctx: Context, consul: Consul, id: string): Promise<SessionInfo | undefined> {
  const reply = await consul.call(ctx, {
    method: 'GET',
    path: `/v1/session/info/${id}`,
    query: { consistent: true },
    timeoutMs: REQUEST_TIMEOUT_MS,
    needs: 'session_prefix "" { policy = "read" }',
  })
  const sessions = consul.json(reply) ?? []
  if (!Array.isArray(sessions)) throw consul.protocolError('no list of sessions')
  const found = sessions.filter(isObject).find(({ ID }) => ID === id)
  if (!found) return undefined
  const { Name, Node, LockDelay } = found
  if (!isName(Node) || typeof LockDelay !== 'number') throw consul.protocolError('a session without node or lock-delay')
  return { name: textIn(Name), node: Node, lockDelayMs: LockDelay / NS_PER_MS }
}
