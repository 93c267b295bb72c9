import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type TxnOp, transact } from '../consul/txn.ts'
import { reservedFor } from '../lock/reservation.ts'
import { readFleetRecords } from './fleet-records.ts'
import type { RolloutKeys } from './rollout-keys.ts'
import { runningRecords } from './versions.ts'

/**
 * Forgets what a host has recorded: what it runs, that it failed, that its upgrade has not ended,
 * and the slots that are kept for it. For a host that won't
 * come back, or whose failure shall not count; one that lives records anew what it runs. Settles with the keys that are
 * gone. Rejects with a `conflict` failure for a host that is at work.
 */
export async function forgetRecords(ctx: Context, consul: Consul, keys: RolloutKeys, host: string): Promise<string[]> {
  const [running, { entries, upgrading }] = await Promise.all([
    runningRecords(ctx, consul, keys),
    readFleetRecords(ctx, consul, keys),
  ])
  if (upgrading.has(host)) {
    throw new Failure('conflict', `${host} is at work, or died so lately that Consul still keeps its slot`, {
      hint: 'a slot of a dead host is free within two minutes',
    })
  }
  const own = entries.filter(
    (entry) =>
      entry.key === keys.failedOn(host) ||
      entry.key === keys.inProgressOn(host) ||
      entry.key === keys.nodeOf(host) ||
      reservedFor(entry) === host,
  )
  // It may come back and begin at this moment.
  const steps: TxnOp[] = own.map(({ key, modifyIndex: index }) => ({ verb: 'delete-cas', key, index }))
  for (const { version, host: other } of running) {
    if (other === host) steps.push({ verb: 'delete', key: keys.runningOf(version, host) })
  }
  if (steps.length === 0) return []
  const outcome = await transact(ctx, consul, steps)
  if (outcome.done) return steps.map(({ key }) => key)
  throw new Failure('conflict', `${host} has recorded something else meanwhile`, { hint: 'look again, and try again' })
}
