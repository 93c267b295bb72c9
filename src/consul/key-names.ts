import type { Context } from '../base/context.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from './consul.ts'
import { encodeKey } from './kv.ts'

/**
 * The names of the keys that begin with a prefix, without what stands at them. Those that have `separator` behind it
 * are cut there, and named once. Rejects with a `Failure`.
 */
export async function readKeyNames(ctx: Context, consul: Consul, prefix: string, separator = ''): Promise<string[]> {
  const reply = await consul.call(ctx, {
    method: 'GET',
    path: `/v1/kv/${encodeKey(prefix)}`,
    query: { keys: true, ...(separator !== '' && { separator }) },
    timeoutMs: REQUEST_TIMEOUT_MS,
    longPoll: false,
    expects: [404],
    needs: `key_prefix "${prefix}" { policy = "read" }`,
  })
  const names = reply.status === 404 ? [] : consul.json(reply)
  if (Array.isArray(names) && names.every((name) => typeof name === 'string' && name.startsWith(prefix))) return names
  throw consul.protocolError('no names of keys')
}
