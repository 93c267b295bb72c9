import assert from 'node:assert'
import type { Context } from '../../base/context.ts'
import type { Consul } from '../../consul/consul.ts'
import { type TxnOp, transact } from '../../consul/txn.ts'

/** What a token is to be allowed with a key. */
export interface WantedKey {
  readonly key: string
  readonly policy: 'read' | 'write'
}

/** Two conditions of which one doesn't hold, whatever stands at the key. */
function never(key: string): readonly TxnOp[] {
  return [
    { verb: 'check-not-exists', key, isDispensable: true },
    { verb: 'check-index', key, index: 1, isDispensable: true },
  ]
}

/**
 * Tries what a token may do with keys, in a transaction that can't be applied: its first two conditions exclude each
 * other. Consul looks at the rights to all of it before it looks at any condition (agent/consul/txn_endpoint.go,
 * preCheck), so nothing is changed, nobody is woken, and all refusals come at once. Settles with those that the token
 * may not have. Rejects with a `Failure`; an unknown token is one.
 */
export async function deniedAmong(
  ctx: Context,
  consul: Consul,
  wanted: readonly [WantedKey, ...WantedKey[]],
): Promise<WantedKey[]> {
  const trials = wanted.map((want) => ({ want, op: trialOf(want) }))
  const outcome = await transact(ctx, consul, [...never(wanted[0].key), ...trials.map(({ op }) => op)])
  assert(!outcome.done, 'a transaction whose conditions exclude each other is not applied')
  return trials.filter(({ op }) => outcome.denied.includes(op)).map(({ want }) => want)
}

function trialOf({ key, policy }: WantedKey): TxnOp {
  return policy === 'read'
    ? { verb: 'check-index', key, index: 1, isDispensable: true }
    : { verb: 'set', key, value: '', isDispensable: true }
}
