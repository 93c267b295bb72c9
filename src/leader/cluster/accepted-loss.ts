import * as v from 'valibot'
import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { randomId } from '../../base/random-id.ts'
import { compareAndSet } from '../../consul/compare-and-set.ts'
import type { Consul } from '../../consul/consul.ts'
import { readKey } from '../../consul/kv.ts'
import { storedAs, storedInstant, storedText } from '../../consul/stored-value.ts'
import { transact } from '../../consul/txn.ts'
import type { CallResult } from '../application/application.ts'
import type { LeaderKeys } from './leader-keys.ts'

/** A person has this node lead, whatever it lacks. */
export interface Promotion {
  readonly node: string
  readonly by: string
  readonly at: string
  readonly id: string
  /** So that nothing else is taken for it. */
  readonly acceptLoss: true
}

export const PROMOTION: v.GenericSchema<unknown, Promotion> = v.object({
  node: storedText,
  by: storedText,
  at: storedInstant,
  id: storedText,
  acceptLoss: v.literal(true),
})

/** Nobody waits for an older one. */
const ACCEPTED_MS = 300_000

/** Whether a promotion is still meant, at this time of the wall clock. */
export function isMeant({ at }: Promotion, nowMs: number): boolean {
  return nowMs - Date.parse(at) < ACCEPTED_MS
}

/** Has a node lead, whatever it lacks. Settles with the promotion's id. */
export async function acceptLoss(
  ctx: Context,
  consul: Consul,
  { promotion: key }: LeaderKeys,
  { node, by }: Pick<Promotion, 'node' | 'by'>,
): Promise<string> {
  const at = new Date(ctx.clock.now().wallMs).toISOString()
  const value: Promotion = { node, by, at, id: randomId(), acceptLoss: true }
  await transact(ctx, consul, [{ verb: 'set', key, value: JSON.stringify(value) }])
  return value.id
}

export async function withdrawPromotion(
  ctx: Context,
  consul: Consul,
  { promotion: key }: LeaderKeys,
  id: string,
): Promise<void> {
  await compareAndSet(ctx, consul, key, (entry) =>
    entry && storedAs(PROMOTION, entry.value)?.id === id ? 'delete' : 'keep',
  )
}

/**
 * Promotes while nothing is noted of what the last master had, for a person has given that up. A promotion that fails
 * leaves the note as it was. Never rejects.
 */
export async function promoteWithLoss(
  ctx: Context,
  consul: Consul,
  { note: key }: LeaderKeys,
  promote: () => Promise<CallResult>,
): Promise<CallResult> {
  try {
    const { entry } = await readKey(ctx, consul, key, { consistent: true })
    if (entry) await transact(ctx, consul, [{ verb: 'delete-cas', key, index: entry.modifyIndex }])
    const result = await promote()
    if (!result.ok && entry) await transact(ctx, consul, [{ verb: 'cas', key, index: 0, value: entry.value }])
    return result
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    return { ok: false, message: thrown.message }
  }
}
