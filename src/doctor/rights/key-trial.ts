import assert from 'node:assert'
import type { Context } from '../../base/context.ts'
import type { Consul } from '../../consul/consul.ts'
import { type TxnOp, transact } from '../../consul/txn.ts'

/** What a token is to be allowed with a key. */
export interface WantedKey {
  readonly key: string
  readonly policy: 'read' | 'write'
}

/** What Consul says of a transaction that it can't apply. */
export interface KeyTrial {
  /** Those that the token may not have. */
  readonly denied: readonly WantedKey[]
  /** A lock-delay keeps the key closed that was to be locked. */
  readonly isDelayed: boolean
}

/** No session has this id. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

/** Two conditions of which one doesn't hold, whatever stands at the key. */
function never(key: string): readonly TxnOp[] {
  return [
    { verb: 'check-not-exists', key },
    { verb: 'check-index', key, index: 1 },
  ]
}

/**
 * Tries what a token may do with keys, and what locking one would meet, in a transaction that can't be applied: its first
 * two conditions exclude each other. Consul looks at the rights to all of it, and at lock-delays, before it looks at
 * any condition (agent/consul/txn_endpoint.go, preCheck), so nothing is changed, nobody is woken, and all refusals come at once.
 * Rejects with a `Failure`; an unknown token is one.
 */
export async function tryKeys(
  ctx: Context,
  consul: Consul,
  wanted: readonly [WantedKey, ...WantedKey[]],
  lockKey?: string,
): Promise<KeyTrial> {
  const [{ key: first }] = wanted
  const trials = wanted.map((want) => ({ want, op: trialOf(want) }))
  const lock: TxnOp[] =
    lockKey === undefined ? [] : [{ verb: 'lock', key: lockKey, session: NOBODY, value: '', isDispensable: true }]
  const conditions = never(first).map((op) => ({ ...op, isDispensable: true }))
  const outcome = await transact(ctx, consul, [...conditions, ...trials.map(({ op }) => op), ...lock])
  assert(!outcome.done, 'a transaction whose conditions exclude each other is not applied')
  return {
    denied: trials.filter(({ op }) => outcome.denied.includes(op)).map(({ want }) => want),
    isDelayed: outcome.reasons.some((reason) => /due to lock delay/i.test(reason)),
  }
}

function trialOf({ key, policy }: WantedKey): TxnOp {
  return policy === 'read'
    ? { verb: 'check-index', key, index: 1, isDispensable: true }
    : { verb: 'set', key, value: '', isDispensable: true }
}
