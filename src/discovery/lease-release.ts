import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import { transact } from '../consul/txn.ts'
import { endSession } from './lease-claim.ts'
import { type LeaseRecord, leaseKey, parseLease } from './lease-record.ts'

/** How an attempt to end a lease ended: nobody had it, or another id. */
export type ReleaseEnd =
  | { readonly kind: 'released' | 'free' }
  | { readonly kind: 'others'; readonly holder: LeaseRecord | undefined }

/** Ends the start-up lease of a label if this id has it, and leaves another's alone. */
export async function releaseLease(
  ctx: Context,
  consul: Consul,
  label: string,
  serviceId: string,
): Promise<ReleaseEnd> {
  const key = leaseKey(label)
  for (;;) {
    const entry = await readLease(ctx, consul, label)
    if (!entry?.session) return { kind: 'free' }
    const holder = parseLease(entry.value)
    if (holder?.serviceId !== serviceId) return { kind: 'others', holder }
    const { done } = await transact(ctx, consul, [{ verb: 'delete-cas', key, index: entry.modifyIndex }])
    if (!done) continue
    await endSession(ctx, consul, entry.session)
    return { kind: 'released' }
  }
}

/** What stands at the key of a label's lease; it is a lease while a session holds it. */
export async function readLease(ctx: Context, consul: Consul, label: string): Promise<Entry | undefined> {
  return (await readKey(ctx, consul, leaseKey(label), { consistent: true })).entry
}
