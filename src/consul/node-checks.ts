import type { Context } from '../base/context.ts'
import { nextIndex, type QueryOptions, queryCall } from './blocking-query.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from './consul.ts'
import { isName, isObject } from './fields.ts'
import { checkIn, type Health, type WireCheck } from './health.ts'
import { LIST_RULES, readList } from './list.ts'
import { checkSeesNodes } from './node-visibility.ts'

/** A check, and the node it is about. */
export interface NodeCheck extends WireCheck {
  readonly Node: string
}

/**
 * All checks of the client's datacenter that don't pass: the others may be many.
 * https://developer.hashicorp.com/consul/api-docs/health#list-checks-in-state Rejects with a `refused` failure when this
 * token sees no node, and so no check.
 */
export async function failingChecks(ctx: Context, consul: Consul): Promise<NodeCheck[]> {
  const states = ['critical', 'warning'].map((state) => readList(ctx, consul, `/v1/health/state/${state}`))
  const failing = checksIn((await Promise.all(states)).flat())
  if (failing.length === 0) await checkSeesNodes(ctx, consul, 'failing checks')
  return failing
}

/** The checks of a node and of its services; none for a node that nobody knows. */
export async function checksOf(ctx: Context, consul: Consul, node: string): Promise<NodeCheck[]> {
  return checksIn(await readList(ctx, consul, `/v1/health/node/${encodeURIComponent(node)}`))
}

/** The same, at once or when something changes, and the index to wait from. */
export async function readNodeChecks(
  ctx: Context,
  consul: Consul,
  node: string,
  from: QueryOptions,
): Promise<{ readonly checks: NodeCheck[]; readonly index: number }> {
  const path = `/v1/health/node/${encodeURIComponent(node)}`
  const reply = await consul.call(ctx, { method: 'GET', path, ...queryCall(from), needs: LIST_RULES })
  const list = consul.json(reply)
  if (!Array.isArray(list)) throw consul.protocolError(`${path} is no list`)
  return { checks: checksIn(list), index: nextIndex(consul, reply, from) }
}

function checksIn(list: readonly unknown[]): NodeCheck[] {
  return list.flatMap((json) => {
    const check = checkIn(json)
    return check && isObject(json) && isName(json.Node) ? [{ ...check, Node: json.Node }] : []
  })
}

/**
 * Whether the agent on a node lives, by what the others say (serfHealth). A node that nobody knows doesn't. Rejects
 * with a `refused` failure when this token sees no node.
 */
export async function isAlive(ctx: Context, consul: Consul, node: string): Promise<boolean> {
  const checks = await checksOf(ctx, consul, node)
  if (checks.length === 0) await checkSeesNodes(ctx, consul, `whether ${node} is alive`)
  return checks.some(({ CheckID, Status }) => CheckID === 'serfHealth' && Status === 'passing')
}

/**
 * Registers a check about the agent's node that is told how it stands, and takes silence of `ttlMs` milliseconds for
 * critical; https://developer.hashicorp.com/consul/api-docs/agent/check#register-check
 */
export async function registerTtlCheck(
  ctx: Context,
  consul: Consul,
  check: { readonly id: string; readonly notes: string; readonly ttlMs: number; readonly status: Health },
): Promise<void> {
  const { id, notes, ttlMs, status } = check
  await consul.call(ctx, {
    method: 'PUT',
    path: '/v1/agent/check/register',
    body: JSON.stringify({ ID: id, Name: id, Notes: notes, TTL: `${ttlMs / 1000}s`, Status: status }),
    timeoutMs: REQUEST_TIMEOUT_MS,
    needs: 'node "<node>" { policy = "write" }',
  })
}
