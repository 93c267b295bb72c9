import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Instance, readInstances } from '../consul/instances.ts'
import { Retry } from '../consul/retry.ts'
import { hushed } from './hushed.ts'

const LONG_POLL_MS = 30_000
const PAUSE_MS = 5000

/** The priority that an instance has registered; 0 without one. */
export function priorityOf({ meta }: Pick<Instance, 'meta'>): number {
  return Number(meta.priority) || 0
}

/** Whether an instance would take the lock. */
export function isCandidateNow({ meta, tags, health }: Pick<Instance, 'meta' | 'tags' | 'health'>): boolean {
  return meta.candidate === 'true' && tags.includes('slave') && health === 'passing'
}

/** Calls `receive` with whether a candidate of higher priority is on another node, until the signal aborts. */
export async function watchRank(
  ctx: Context,
  consul: Consul,
  own: () => { readonly name: string; readonly node: string; readonly priority: number },
  receive: (outranked: boolean) => void,
): Promise<void> {
  const retry = new Retry(consul)
  let index = 0
  while (!ctx.signal.aborted) {
    let from = index
    try {
      const reading = await retry.until(hushed(ctx), () => {
        const options = { index: from, waitMs: LONG_POLL_MS }
        from = 0
        return readInstances(ctx, consul, own().name, options)
      })
      index = reading.index
      const { node, priority } = own()
      const others = reading.instances.filter((instance) => instance.node !== node)
      receive(others.some((other) => isCandidateNow(other) && priorityOf(other) > priority))
    } catch (thrown) {
      if (ctx.signal.aborted) return
      if (!(thrown instanceof Failure)) throw thrown
      index = 0
      await sleep(ctx, PAUSE_MS).catch(() => {})
    }
  }
}
