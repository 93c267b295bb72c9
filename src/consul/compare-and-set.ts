import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from './consul.ts'
import { type Entry, readKey } from './kv.ts'
import { type TxnOp, transact } from './txn.ts'

/** So often another writer may be faster than we. */
const TRIES = 20
/** Spreads out those who change one key, a little more with each try. */
const JITTER_MS = 20

/** What becomes of a key: another value, nothing, or what it is. */
export type KeyChange = { readonly value: string; readonly flags?: bigint } | 'delete' | 'keep'

/**
 * Changes a key by compare-and-set: reads it from the leader, and writes what `change` makes of it, unless somebody
 * else has been faster; then both are done again. Settles with what stands at the key in the end. Rejects with what
 * `change` throws, and with an `unavailable` failure when others were always faster.
 */
export async function compareAndSet(
  ctx: Context,
  consul: Consul,
  key: string,
  change: (entry: Entry | undefined) => KeyChange,
): Promise<Entry | undefined> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const { entry } = await readKey(ctx, consul, key, { consistent: true })
    const next = change(entry)
    if (next === 'keep' || (next === 'delete' && entry === undefined)) return entry
    const index = entry?.modifyIndex ?? 0
    const op: TxnOp = next === 'delete' ? { verb: 'delete-cas', key, index } : { verb: 'cas', key, index, ...next }
    const outcome = await transact(ctx, consul, [op])
    if (outcome.done) return outcome.entries[0]
    ctx.log.debug(`${key} was changed by somebody else meanwhile; looking again`)
    await sleep(ctx, tries * ctx.random() * JITTER_MS)
  }
  throw new Failure('unavailable', `the key ${key} changes too fast to be changed`)
}
