import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type KvStep, transact } from '../consul/txn.ts'
import { reservedFor } from '../lock/reservation.ts'
import { readLedger } from './ledger.ts'
import type { RolloutKeys } from './rollout-keys.ts'
import { runningRecords } from './versions.ts'

/**
 * Forgets what a host has recorded: what it runs, that it failed, that its upgrade has not ended,
 * and the slots that are kept for it. For a host that won't
 * come back, or whose failure shall not count; one that lives records anew what it runs. Settles with the keys that are
 * gone. Rejects with a `declined` failure for a host that is at work.
 */
export async function forget(ctx: Context, consul: Consul, keys: RolloutKeys, host: string): Promise<string[]> {
  const [running, { entries, atWork }] = await Promise.all([
    runningRecords(ctx, consul, keys),
    readLedger(ctx, consul, keys),
  ])
  if (atWork.has(host)) {
    throw new Failure('declined', `${host} is at work, or died so lately that Consul still keeps its slot`, {
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
  const steps: KvStep[] = own.map(({ key, modifyIndex: index }) => ({ verb: 'delete-cas', key, index }))
  for (const { version, host: other } of running) {
    if (other === host) steps.push({ verb: 'delete', key: keys.runningOf(version, host) })
  }
  if (steps.length === 0) return []
  const outcome = await transact(ctx, consul, steps)
  if (outcome.done) return steps.map(({ key }) => key)
  throw new Failure('declined', `${host} has recorded something else meanwhile`, { hint: 'look again, and try again' })
}
