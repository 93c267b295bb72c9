import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import type { Consul } from '../consul/consul.ts'
import { type TxnOp, transact } from '../consul/txn.ts'
import { ALL_PAUSED_KEY } from '../lock/lock-keys.ts'

/**
 * What the token may not see of these prefixes and of the pause of all locks, in sentences for people. Consul leaves
 * out of a list, without a word, what a token may not see; so keys are asked for that nobody has, by what takes `read`
 * alone.
 */
export async function unseenAmong(ctx: Context, consul: Consul, prefixes: readonly string[]): Promise<string[]> {
  const asked = [
    ...prefixes.map((prefix) => asking(prefix + randomId(), `all keys that begin with ${prefix}`)),
    asking(ALL_PAUSED_KEY, `whether all locks are paused (the key ${ALL_PAUSED_KEY})`),
  ]
  const denied = await deniedOf(
    ctx,
    consul,
    asked.map(({ op }) => op),
  )
  return asked.flatMap(({ op, what }) => (denied.includes(op) ? [`the token may not see ${what}`] : []))
}

/** Whether the token may not see all keys that begin so. */
export async function isUnseen(ctx: Context, consul: Consul, prefix: string): Promise<boolean> {
  return (await deniedOf(ctx, consul, [asking(prefix + randomId(), prefix).op])).length > 0
}

function asking(key: string, what: string): { readonly op: TxnOp; readonly what: string } {
  return { op: { verb: 'check-index', key, index: 1, isDispensable: true }, what }
}

async function deniedOf(ctx: Context, consul: Consul, ops: readonly TxnOp[]): Promise<readonly TxnOp[]> {
  try {
    const outcome = await transact(ctx, consul, ops)
    return outcome.done ? [] : outcome.denied
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'refused') return ops
    throw thrown
  }
}
