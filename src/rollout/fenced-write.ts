import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { Retry } from '../consul/retry.ts'
import { type TxnOp, transact } from '../consul/txn.ts'

/** A key, and the session that must hold it for anything to be written. */
export interface WriteFence {
  readonly key: string
  readonly sessionId: string
}

/**
 * Writes to Consul while the session holds the key, all or nothing; retries until that is answered. The steps may let
 * go of the key themselves. Settles with `undefined` when it is done, or with why it was refused, in Consul's words.
 * Rejects with a `Failure` that doesn't pass, or with the signal's reason.
 */
export async function writeFenced(
  ctx: Context,
  consul: Consul,
  { key, sessionId: session }: WriteFence,
  steps: readonly TxnOp[],
): Promise<string | undefined> {
  const retry = new Retry(consul)
  const held: TxnOp = { verb: 'check-session', key, session }
  let tries = 0
  const outcome = await retry.until(ctx, () => {
    tries += 1
    return transact(ctx, consul, [held, ...steps])
  })
  if (outcome.done) return undefined
  // An attempt whose reply was lost may have let go of keys, and all that follow are refused for that.
  const letsGo = steps.some(({ verb }) => verb === 'unlock')
  if (tries > 1 && letsGo && (await retry.until(ctx, () => areWritten(ctx, consul, steps)))) return undefined
  return outcome.reasons.join('; ')
}

/** Whether all that these steps write stands as they write it, and no session holds any of it. */
async function areWritten(ctx: Context, consul: Consul, steps: readonly TxnOp[]): Promise<boolean> {
  for (const { key, value } of steps) {
    const { entry } = await readKey(ctx, consul, key, { consistent: true })
    if (entry?.value !== value || entry?.session !== undefined) return false
  }
  return true
}
