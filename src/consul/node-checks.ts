import type { Context } from '../base/context.ts'
import { ATTEMPT_MS, type Consul } from './consul.ts'
import { isName, isObject } from './fields.ts'
import { checkIn, type Health, type WireCheck } from './health.ts'
import { readList } from './list.ts'

/** A check, and the node it is about. */
export interface NodeCheck extends WireCheck {
  readonly Node: string
}

/**
 * All checks of the client's datacenter that don't pass: the others may be many.
 * https://developer.hashicorp.com/consul/api-docs/health#list-checks-in-state
 */
export async function troubledChecks(ctx: Context, consul: Consul): Promise<NodeCheck[]> {
  const states = ['critical', 'warning'].map((state) => readList(ctx, consul, `/v1/health/state/${state}`))
  return checksIn((await Promise.all(states)).flat())
}

/** The checks of a node and of its services; none for a node that nobody knows. */
export async function checksOf(ctx: Context, consul: Consul, node: string): Promise<NodeCheck[]> {
  return checksIn(await readList(ctx, consul, `/v1/health/node/${encodeURIComponent(node)}`))
}

function checksIn(list: readonly unknown[]): NodeCheck[] {
  return list.flatMap((json) => {
    const check = checkIn(json)
    return check && isObject(json) && isName(json.Node) ? [{ ...check, Node: json.Node }] : []
  })
}

/** Whether the agent on a node lives, by what the others say (serfHealth). A node that nobody knows doesn't. */
export async function isAlive(ctx: Context, consul: Consul, node: string): Promise<boolean> {
  const checks = await checksOf(ctx, consul, node)
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
    timeoutMs: ATTEMPT_MS,
    needs: 'node "<node>" { policy = "write" }',
  })
}
