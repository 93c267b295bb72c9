import * as v from 'valibot'
import type { NodeCheck } from '../consul/node-checks.ts'
import { storedAs, storedInstant, storedText } from '../consul/stored-value.ts'
import type { TxnOp } from '../consul/txn.ts'
import type { RolloutKeys } from './rollout-keys.ts'

/** The checks by which hosts tell how their upgrade and their validation went. */
export interface CheckIds {
  readonly upgrade: string
  readonly validation: string
}

/** A host on which a version failed. */
export interface FailedHost {
  readonly host: string
  /** `undefined`: nobody knows. */
  readonly version: string | undefined
  readonly why: string
  /** When it was recorded, in milliseconds since 1970 by the host's clock. `undefined`: nobody knows. */
  readonly atMs?: number | undefined
}

/**
 * A check that counts as failing: it is critical, or it is one of the two checks of ours and not passing. Those warn
 * rather than being critical, so that a failed validation takes no service out of the catalog.
 */
export function isFailingCheck(check: NodeCheck, ids: CheckIds): boolean {
  return check.Status === 'critical' || (check.Status === 'warning' && isRolloutCheck(check, ids))
}

export function isRolloutCheck({ Name, CheckID }: NodeCheck, { upgrade, validation }: CheckIds): boolean {
  return [upgrade, validation].some((id) => id === Name || id === CheckID)
}

export function failureStep(keys: RolloutKeys, failed: FailedHost, nowMs: number): TxnOp {
  const { host, version, why } = failed
  const value = JSON.stringify({ version, why, at: new Date(nowMs).toISOString() })
  return { verb: 'set', key: keys.failedOn(host), value }
}

const RECORD = v.object({ version: storedText, why: storedText, at: v.optional(storedInstant) })

/** What nobody can read is a failure of any version: it may be one of this. */
export function parseFailure(host: string, value: string): FailedHost {
  const record = storedAs(RECORD, value)
  if (record === undefined) return { host, version: undefined, why: 'what it has recorded makes no sense' }
  const { version, why, at } = record
  return { host, version, why, atMs: at === undefined ? undefined : Date.parse(at) }
}
