import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import type { Consul } from '../consul/consul.ts'
import { transact } from '../consul/txn.ts'

/**
 * Which of these prefixes the token may not read as a whole: Consul leaves out of a list, without a word, what it may not
 * see. So a key is asked for that nobody has.
 */
export async function unseenPrefixes(ctx: Context, consul: Consul, prefixes: readonly string[]): Promise<string[]> {
  const isDispensable = true
  const ops = prefixes.map((prefix) => ({ verb: 'check-not-exists', key: prefix + randomId(), isDispensable }) as const)
  try {
    const outcome = await transact(ctx, consul, ops)
    if (outcome.done) return []
    return prefixes.filter((_, n) => outcome.denied.some((op) => op === ops[n]))
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'refused') return [...prefixes]
    throw thrown
  }
}
