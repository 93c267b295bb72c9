import type { Context } from '../base/context.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import type { Instance } from '../consul/instances.ts'
import { Retry } from '../consul/retry.ts'
import { withWaitLimit } from '../consul/wait-limit.ts'
import { type HealthyHosts, type HostSelection, readHealthyHosts, warnOfLeftOut } from './healthy-hosts.ts'

/** Which healthy instances are wanted, and how long to wait for them. */
export interface HostsQuery extends HostSelection {
  /** How many make it enough. */
  readonly min: number
  /** How long to wait for so many, in milliseconds; 0 looks once. */
  readonly waitMs: number
  /** How many a list of instances stands for: two on one address may be one host. */
  readonly count: (instances: readonly Instance[]) => number
}

/**
 * Finds the healthy instances of a label, sorted, and waits until there are enough. Settles with those that there are,
 * which are too few when the time was over. Rejects with a `Failure` or the signal's reason.
 */
export async function findHosts(ctx: Context, consul: Consul, query: HostsQuery): Promise<Instance[]> {
  const found = await (query.waitMs > 0 ? awaitHosts(ctx, consul, query) : readHealthyHosts(ctx, consul, query))
  warnOfLeftOut(ctx, query.label, found)
  return found.hosts
}

async function awaitHosts(ctx: Context, consul: Consul, query: HostsQuery): Promise<HealthyHosts> {
  const retry = new Retry(consul, { waitMs: query.waitMs })
  const begun = ctx.clock.now()
  return withWaitLimit<HealthyHosts>(ctx, consul, query.waitMs, retry, async (ctx, saw) => {
    const hosts = new BlockingQuery((ctx, from) => readHealthyHosts(ctx, consul, query, from))
    const leftMs = () => query.waitMs - ctx.clock.since(begun)
    for (;;) {
      const found = await retry.until(ctx, () => hosts.next(ctx, leftMs()))
      if (query.count(found.hosts) >= query.min || leftMs() <= 0) return found
      saw(found)
    }
  })
}
