import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type TxnOp, transact } from '../consul/txn.ts'

/** Consul takes 64 operations in a transaction. */
const ASKED_AT_ONCE = 60

/** A key that may be closed, and when it, or what tells so, was changed last. */
export interface LeftKey {
  readonly key: string
  /** A raft index. */
  readonly index: number
}

/**
 * Which of these keys Consul keeps closed just now. No list of its shows that, so they are asked to be locked, by a
 * transaction that is never applied: for no session. Consul's leader refuses for the lock-delays before it looks at
 * that (agent/consul/txn_endpoint.go, preCheck). Settles with `undefined` when the token may not ask: that takes
 * `write`.
 *
 * Those that changed last are asked for first: without a closed one among those, none of the others is closed.
 */
export async function closedAmong(
  ctx: Context,
  consul: Consul,
  keys: readonly LeftKey[],
): Promise<ReadonlySet<string> | undefined> {
  const closed = new Set<string>()
  const left = [...keys].sort((one, other) => other.index - one.index)
  while (left.length > 0) {
    const asked = left.splice(0, ASKED_AT_ONCE).map(({ key }): TxnOp => ({ verb: 'lock', key, value: '', session: '' }))
    const found = await closedIn(ctx, consul, asked)
    if (!found) return closed.size > 0 ? closed : undefined
    for (const key of found) closed.add(key)
    if (found.length === 0) break
  }
  return closed
}

async function closedIn(ctx: Context, consul: Consul, asked: readonly TxnOp[]): Promise<string[] | undefined> {
  try {
    const outcome = await transact(ctx, consul, asked)
    if (outcome.done) return []
    return outcome.failed.flatMap((op, n) =>
      op && /due to lock delay/i.test(outcome.reasons[n] ?? '') ? [op.key] : [],
    )
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'refused') return undefined
    throw thrown
  }
}
