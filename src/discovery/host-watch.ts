import { firstOf } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import type { Instance } from '../consul/instances.ts'
import { Retry } from '../consul/retry.ts'
import { type HostSelection, readHealthyHosts, warnOfLeftOut } from './healthy-hosts.ts'
import { keepApplied, Wanted } from './keep-applied.ts'

/** Which list is followed, and what is done with it. */
export interface HostWatch extends HostSelection {
  /** With fewer all stays as it is: they are rather a fault of the checks than the truth. */
  readonly min: number
  /** How many a list of instances stands for. */
  readonly count: (instances: readonly Instance[]) => number
  /** The list as text: what doesn't change it is no change. */
  readonly render: (instances: readonly Instance[]) => string
  /** Does what a new list calls for. Settles with whether that went well; if not, it is tried again. */
  readonly apply: (ctx: Context, list: string) => Promise<boolean>
}

/**
 * Has a list of healthy instances applied, now and whenever it changes. Rejects with a `Failure` or the signal's
 * reason.
 */
export function watchHosts(ctx: Context, consul: Consul, watch: HostWatch): Promise<never> {
  const wanted = new Wanted()
  return firstOf<never>(ctx, [
    (ctx) => follow(ctx, consul, watch, wanted),
    (ctx) => keepApplied(ctx, wanted, watch.apply),
  ])
}

async function follow(ctx: Context, consul: Consul, watch: HostWatch, wanted: Wanted): Promise<never> {
  const { label, min, count, render } = watch
  const retry = new Retry(consul)
  const query = new BlockingQuery((ctx, from) => readHealthyHosts(ctx, consul, watch, from))
  let leftOut = 0
  let isEnough = true
  for (;;) {
    const found = await retry.until(ctx, () => query.next(ctx))
    if (found.leftOut !== leftOut) warnOfLeftOut(ctx, label, found)
    leftOut = found.leftOut
    const hosts = count(found.hosts)
    if (hosts >= min && !isEnough) ctx.log.notice(`healthy hosts of ${label}: ${hosts}; that is enough again`)
    if (hosts < min && isEnough) {
      ctx.log.warn(`healthy hosts of ${label}: ${hosts}; wanted: ${min}; all stays as it is until there are as many`)
    }
    isEnough = hosts >= min
    wanted.text = isEnough ? render(found.hosts) : undefined
  }
}
