import type { Context } from '../base/context.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from './consul.ts'

/** The ACL rules that reading the catalog and health of a datacenter needs. */
export const LIST_RULES = 'node_prefix "" { policy = "read" } service_prefix "" { policy = "read" }'

/**
 * Reads a list of the catalog or of health. Rejects with a `Failure`: `not-consul` when the answer is no list. What the
 * list has in it is for the caller to judge.
 */
export async function readList(
  ctx: Context,
  consul: Consul,
  path: string,
  query: Readonly<Record<string, true>> = {},
): Promise<unknown[]> {
  const reply = await consul.call(ctx, { method: 'GET', path, query, timeoutMs: REQUEST_TIMEOUT_MS, needs: LIST_RULES })
  const answer = consul.json(reply)
  if (!Array.isArray(answer)) throw consul.protocolError(`${path} is no list`)
  consul.confirmed = true
  return answer
}
