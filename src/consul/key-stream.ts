import type { Context } from '../base/context.ts'
import type { Consul } from './consul.ts'
import { EntrySplitter } from './entry-splitter.ts'
import { type Entry, encodeKey, entriesIn } from './kv.ts'

/** Many keys may come over a slow line. */
const READING_MS = 60_000

/**
 * Reads all keys that begin with a prefix, in the order of their names, and calls `receive` with each as it comes:
 * there may be more of them than one should keep. Settles when all have come. Rejects with a `Failure`; some may have
 * come by then.
 */
export async function streamKeys(
  ctx: Context,
  consul: Consul,
  prefix: string,
  receive: (entry: Entry) => void,
): Promise<void> {
  const strange = (what: string) => consul.protocolError(what)
  const splitter = new EntrySplitter(strange, (json) => {
    for (const entry of entriesIn(consul, [json])) {
      if (!entry.key.startsWith(prefix)) throw strange('keys that were not asked for')
      receive(entry)
    }
  })
  const reply = await consul.call(ctx, {
    method: 'GET',
    path: `/v1/kv/${encodeKey(prefix)}`,
    query: { recurse: true },
    timeoutMs: READING_MS,
    expects: [404],
    receive: (chunk) => splitter.push(chunk),
    needs: `key_prefix "${prefix}" { policy = "read" }`,
  })
  if (reply.status === 404) return
  if (reply.text !== '') splitter.push(Buffer.from(reply.text))
  splitter.end()
}
