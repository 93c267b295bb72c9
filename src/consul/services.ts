import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from './consul.ts'
import { isName, isObject, metaIn, portIn, textsIn } from './fields.ts'
import type { Health } from './health.ts'
import type { WireReply } from './wire.ts'

/** A service as its own agent registers it; https://developer.hashicorp.com/consul/api-docs/agent/service */
export interface ServiceDefinition {
  readonly id: string
  readonly name: string
  readonly tags?: readonly string[]
  /** Where it is; without one, the node's own address. */
  readonly address?: string
  readonly port?: number
  readonly meta?: Readonly<Record<string, string>>
  readonly check: CheckDefinition
  /** More checks; the worst of all counts. */
  readonly moreChecks?: readonly CheckDefinition[]
}

/**
 * How Consul learns whether a service is healthy: it is told, and holds silence of this length for death. A new check
 * is critical unless its status says otherwise. Durations are in milliseconds.
 */
export interface CheckDefinition {
  readonly id: string
  readonly name: string
  readonly ttlMs: number
  readonly status?: Health
  /** Consul forgets a service that was critical for so long; a minute at least. */
  readonly deregisterAfterMs?: number
}

/**
 * Registers a service with the agent, or changes what is registered under its id. A check that stays as it was keeps
 * its status, so that new tags alone disturb neither it nor a session that depends on it.
 */
export async function registerService(ctx: Context, consul: Consul, service: ServiceDefinition): Promise<void> {
  const { id, name, tags = [], address, port, meta, check, moreChecks = [] } = service
  await consul.call(ctx, {
    method: 'PUT',
    path: '/v1/agent/service/register',
    body: JSON.stringify({
      ID: id,
      Name: name,
      Tags: tags,
      Address: address,
      Port: port,
      Meta: meta,
      Check: wire(check),
      ...(moreChecks.length > 0 ? { Checks: moreChecks.map(wire) } : {}),
    }),
    timeoutMs: REQUEST_TIMEOUT_MS,
    needs: `service "${name}" { policy = "write" }`,
  })
}

/** Takes a service and its checks out; one that the agent doesn't know is out. */
export async function deregisterService(ctx: Context, consul: Consul, id: string): Promise<void> {
  await isKnown(
    consul.call(ctx, {
      method: 'PUT',
      path: `/v1/agent/service/deregister/${encodeURIComponent(id)}`,
      timeoutMs: REQUEST_TIMEOUT_MS,
      expects: [404],
      needs: 'service_prefix "" { policy = "write" }',
    }),
  )
}

/** A service that the agent has registered. */
export interface LocalService {
  readonly id: string
  readonly name: string
  readonly tags: readonly string[]
  readonly port: number
  readonly meta: Readonly<Record<string, string>>
}

/** All services of the agent as it lists them, by id; what each of them is, is for the caller to judge. */
export async function listLocalServices(ctx: Context, consul: Consul): Promise<Readonly<Record<string, unknown>>> {
  const needs = 'service_prefix "" { policy = "read" }'
  const reply = await consul.call(ctx, {
    method: 'GET',
    path: '/v1/agent/services',
    timeoutMs: REQUEST_TIMEOUT_MS,
    needs,
  })
  const services = consul.json(reply)
  if (!isObject(services)) throw consul.protocolError('no services')
  return services
}

/** All services of the agent, by id. */
export async function localServices(ctx: Context, consul: Consul): Promise<Map<string, LocalService>> {
  const known = Object.entries(await listLocalServices(ctx, consul)).flatMap(([id, service]) => {
    if (!isName(id) || !isObject(service) || !isName(service.Service)) return []
    const { Service, Tags, Port, Meta } = service
    return [[id, { id, name: Service, tags: textsIn(Tags), port: portIn(Port), meta: metaIn(Meta) }] as const]
  })
  if (known.length > 0) consul.confirmed = true
  return new Map(known)
}

/** Tells how a TTL check stands; settles with `false` when the agent knows no such check (it lost its state). */
export async function updateCheck(
  ctx: Context,
  consul: Consul,
  id: string,
  status: Health,
  output: string,
): Promise<boolean> {
  return isKnown(
    consul.call(ctx, {
      method: 'PUT',
      path: `/v1/agent/check/update/${encodeURIComponent(id)}`,
      body: JSON.stringify({ Status: status, Output: output }),
      timeoutMs: REQUEST_TIMEOUT_MS,
      expects: [404],
      needs: 'service_prefix "" { policy = "write" }',
    }),
  )
}

/** What an agent doesn't know is a 404 since 1.11; before, it is a 500 with these words (agent/agent.go). */
async function isKnown(call: Promise<WireReply>): Promise<boolean> {
  try {
    return (await call).status === 200
  } catch (thrown) {
    if (thrown instanceof Failure && /unknown (check|service)|not have associated TTL/i.test(thrown.message))
      return false
    throw thrown
  }
}

function wire(check: CheckDefinition): Record<string, unknown> {
  const { id, name, ttlMs, status, deregisterAfterMs } = check
  return {
    CheckID: id,
    Name: name,
    Status: status,
    ...(deregisterAfterMs === undefined ? {} : { DeregisterCriticalServiceAfter: `${deregisterAfterMs}ms` }),
    TTL: `${ttlMs}ms`,
  }
}
