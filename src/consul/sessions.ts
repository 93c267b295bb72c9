import type { Context } from '../base/context.ts'
import { ATTEMPT_MS, type Consul } from './consul.ts'

/** What a session is created with; https://developer.hashicorp.com/consul/api-docs/session */
export interface SessionRequest {
  readonly name: string
  readonly ttlMs: number
  readonly lockDelayMs: number
  /** What happens to the keys that it holds when it goes. */
  readonly behavior: 'release' | 'delete'
}

const NEEDS = 'session_prefix "<node>" { policy = "write" }'

/** Creates a session on the agent's node, bound to its serfHealth. Settles with the session's id. */
export async function createSession(ctx: Context, consul: Consul, request: SessionRequest): Promise<string> {
  const reply = await consul.call(ctx, {
    method: 'PUT',
    path: '/v1/session/create',
    body: JSON.stringify({
      Name: request.name,
      TTL: `${request.ttlMs / 1000}s`,
      LockDelay: `${request.lockDelayMs}ms`,
      Behavior: request.behavior,
    }),
    timeoutMs: ATTEMPT_MS,
    needs: NEEDS,
  })
  const created = consul.json(reply) as { ID?: unknown } | null
  if (typeof created?.ID !== 'string') throw consul.strange('a session without an ID')
  return created.ID
}

/** Renews a session. `false`: Consul doesn't know it any more, which is final. */
export async function renewSession(ctx: Context, consul: Consul, id: string): Promise<boolean> {
  const reply = await consul.call(ctx, {
    method: 'PUT',
    path: `/v1/session/renew/${id}`,
    timeoutMs: ATTEMPT_MS,
    expects: [404],
    needs: NEEDS,
  })
  if (reply.status === 404) {
    if (!reply.text.includes(id)) throw consul.strange('404 for a session, without naming it')
    return false
  }
  consul.json(reply)
  return true
}

/** Destroys a session; one that is gone already is no error. Keys that it still holds get their lock-delay. */
export async function destroySession(ctx: Context, consul: Consul, id: string): Promise<void> {
  const path = `/v1/session/destroy/${id}`
  consul.json(await consul.call(ctx, { method: 'PUT', path, timeoutMs: ATTEMPT_MS, needs: NEEDS }))
}
