import type { Context } from '../base/context.ts'
import { isAddress } from '../base/host-port.ts'
import type { Consul } from '../consul/consul.ts'
import { type Instance, readInstances } from '../consul/instances.ts'
import { Retry } from '../consul/retry.ts'
import { patiently } from './patience.ts'

/** Which healthy instances are wanted. */
export interface HostsQuery {
  readonly label: string
  /** Instances on this node don't count. */
  readonly exceptNode: string | undefined
  /** How many make it enough. */
  readonly min: number
  /** How long to wait for so many, in milliseconds; 0 looks once. */
  readonly waitMs: number
  /** How many a list of instances stands for: two on one address may be one host. */
  readonly count: (instances: readonly Instance[]) => number
}

const LONGEST_POLL_MS = 60_000
const SHORTEST_POLL_MS = 10

/**
 * Finds the healthy instances of a label, sorted, and waits until there are enough. Settles with those that there are,
 * which are too few when the time was over. Rejects with a `Failure` or the signal's reason.
 */
export async function findHosts(ctx: Context, consul: Consul, query: HostsQuery): Promise<Instance[]> {
  const healthy = await findHealthy(ctx, consul, query)
  const found = healthy.filter(isPlain)
  const strange = healthy.length - found.length
  if (strange > 0)
    ctx.log.warn(`${strange} of ${healthy.length} hosts of ${query.label} left out: no address, or odd names`)
  return sorted(found)
}

async function findHealthy(ctx: Context, consul: Consul, query: HostsQuery): Promise<Instance[]> {
  if (query.waitMs <= 0) return (await look(ctx, consul, query, { index: 0, waitMs: 0 })).healthy
  const retry = new Retry(consul)
  const begun = ctx.clock.now()
  const found = await patiently(ctx, query.waitMs, retry, async (ctx) => {
    let poll = { index: 0, waitMs: 0 }
    for (;;) {
      const { healthy, index } = await retry.until(ctx, () => look(ctx, consul, query, poll))
      const leftMs = query.waitMs - ctx.clock.since(begun)
      if (query.count(healthy.filter(isPlain)) >= query.min || leftMs <= 0) return healthy
      poll = { index, waitMs: Math.max(SHORTEST_POLL_MS, Math.min(LONGEST_POLL_MS, leftMs)) }
    }
  })
  return found ?? []
}

/** Whoever registers a service chooses these words, and they become arguments of programs. */
function isPlain({ address, node, id }: Instance): boolean {
  return isAddress(address) && !node.startsWith('-') && !id.startsWith('-')
}

async function look(
  ctx: Context,
  consul: Consul,
  { label, exceptNode }: HostsQuery,
  poll: { readonly index: number; readonly waitMs: number },
): Promise<{ healthy: Instance[]; index: number }> {
  const { instances, index } = await readInstances(ctx, consul, label, poll)
  return { healthy: instances.filter(({ health, node }) => health === 'passing' && node !== exceptNode), index }
}

/** 10.0.0.9 comes before 10.0.0.10. */
function sorted(instances: Instance[]): Instance[] {
  const { compare } = new Intl.Collator('en', { numeric: true })
  return instances.sort((a, b) => compare(a.address, b.address) || a.port - b.port || compare(a.id, b.id))
}
