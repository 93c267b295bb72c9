import type { Context } from '../base/context.ts'
import { nextIndex, type QueryOptions, queryCall } from './blocking-query.ts'
import type { Consul } from './consul.ts'
import { encodeKey } from './kv.ts'

/** Settles with the index of the last change to any key that begins with a prefix, at once or when there is one. */
export async function prefixIndex(
  ctx: Context,
  consul: Consul,
  prefix: string,
  options: QueryOptions = {},
): Promise<{ readonly index: number }> {
  const { query, timeoutMs, longPoll } = queryCall(options)
  // The names alone: the values may be a thousand times as large, and all of them come again with each answer.
  const reply = await consul.call(ctx, {
    method: 'GET',
    path: `/v1/kv/${encodeKey(prefix)}`,
    query: { keys: true, ...query },
    timeoutMs,
    longPoll,
    receive() {},
    expects: [404],
    needs: `key_prefix "${prefix}" { policy = "read" }`,
  })
  return { index: nextIndex(consul, reply, options) }
}
