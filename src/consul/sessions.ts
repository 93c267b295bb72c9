import type { Context } from '../base/context.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from './consul.ts'
import { isName, isObject, isSessionId, textIn } from './fields.ts'

/** What a session is created with; https://developer.hashicorp.com/consul/api-docs/session */
export interface SessionRequest {
  readonly name: string
  readonly ttlMs: number
  readonly lockDelayMs: number
  /** What happens to the keys that it holds when it goes. */
  readonly behavior: 'release' | 'delete'
  /** The checks of its node that end it when they turn critical; serfHealth alone unless it is told. */
  readonly checks?: readonly string[] | undefined
}

const NS_PER_MS = 1_000_000

const NEEDS = 'session "<node>" { policy = "write" }'

/** Creates a session on the agent's node. Settles with the session's id. */
export async function createSession(ctx: Context, consul: Consul, request: SessionRequest): Promise<string> {
  const reply = await consul.call(ctx, {
    method: 'PUT',
    path: '/v1/session/create',
    body: JSON.stringify({
      Name: request.name,
      TTL: ttlOf(request),
      LockDelay: `${request.lockDelayMs}ms`,
      Behavior: request.behavior,
      // By its old name, which all versions take.
      Checks: request.checks,
    }),
    timeoutMs: REQUEST_TIMEOUT_MS,
    needs: NEEDS,
  })
  const created = consul.json(reply)
  // It goes into paths, the command's environment, and to the guardian.
  if (!isObject(created) || !isSessionId(created.ID)) throw consul.protocolError('a session without an ID')
  consul.confirmed = true
  return created.ID
}

/** The sessions that came of this request, by their names and all else; as far as the token may read them. */
export async function sessionsOf(ctx: Context, consul: Consul, request: SessionRequest): Promise<string[]> {
  const call = { method: 'GET', path: '/v1/session/list', timeoutMs: REQUEST_TIMEOUT_MS, needs: NEEDS } as const
  const sessions = consul.json(await consul.call(ctx, call))
  if (!Array.isArray(sessions)) throw consul.protocolError('no list of sessions')
  return sessions.filter(isObject).flatMap(({ ID, Name, TTL, LockDelay, Behavior }) => {
    // Somebody else's of our name would not protect what we hold by it.
    const isOurs = Name === request.name && TTL === ttlOf(request) && Behavior === request.behavior
    return isOurs && LockDelay === request.lockDelayMs * NS_PER_MS && isSessionId(ID) ? [ID] : []
  })
}

/** What a session tells of its maker. */
export interface SessionOwner {
  readonly node: string
  /** The command under the lock, if it is one of `consul lock`. */
  readonly command?: readonly [string]
}

/** Who made the sessions that there are, by their ids; as far as the token may read them. */
export async function sessionOwners(ctx: Context, consul: Consul): Promise<Map<string, SessionOwner>> {
  const path = '/v1/session/list'
  const needs = 'session_prefix "" { policy = "read" }'
  const sessions = consul.json(await consul.call(ctx, { method: 'GET', path, timeoutMs: REQUEST_TIMEOUT_MS, needs }))
  if (!Array.isArray(sessions)) throw consul.protocolError('no list of sessions')
  const known = sessions.filter(isObject).flatMap(({ ID, Node, Name }): [string, SessionOwner][] => {
    if (!isSessionId(ID) || !isName(Node)) return []
    // Consul's own words: command/lock/lock.go.
    const [, command] = /^Consul lock for '(.*)' at '.*'$/s.exec(textIn(Name)) ?? []
    return [[ID, { node: Node, ...(command !== undefined && { command: [command] }) }]]
  })
  return new Map(known)
}

function ttlOf({ ttlMs }: SessionRequest): string {
  return `${ttlMs / 1000}s`
}

/**
 * Renews a session, by an attempt of so many milliseconds. `false`: Consul doesn't know it any more, which is final.
 */
export async function renewSession(
  ctx: Context,
  consul: Consul,
  id: string,
  attemptMs = REQUEST_TIMEOUT_MS,
): Promise<boolean> {
  const reply = await consul.call(ctx, {
    method: 'PUT',
    path: `/v1/session/renew/${id}`,
    timeoutMs: attemptMs,
    expects: [404],
    needs: NEEDS,
  })
  if (reply.status === 404) {
    if (!reply.text.includes(id)) throw consul.protocolError('404 for a session, without naming it')
    return false
  }
  // What else may answer here, with 200 and in JSON, must not prolong a lease.
  const renewed = consul.json(reply)
  if (!Array.isArray(renewed) || !isObject(renewed[0]) || renewed[0].ID !== id) {
    throw consul.protocolError('a renewal of no session')
  }
  return true
}

/** Destroys a session; one that is gone already is no error. Keys that it still holds get their lock-delay. */
export async function destroySession(ctx: Context, consul: Consul, id: string): Promise<void> {
  const path = `/v1/session/destroy/${id}`
  const destroyed = consul.json(
    await consul.call(ctx, { method: 'PUT', path, timeoutMs: REQUEST_TIMEOUT_MS, needs: NEEDS }),
  )
  if (destroyed !== true) throw consul.protocolError('a session destroyed, but not true')
}
