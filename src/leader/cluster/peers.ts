import { sleep } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { quiet } from '../../base/quiet-log.ts'
import { BlockingQuery } from '../../consul/blocking-query.ts'
import type { Consul } from '../../consul/consul.ts'
import { worst } from '../../consul/health.ts'
import { type Instance, readInstances } from '../../consul/instances.ts'
import { Retry } from '../../consul/retry.ts'
import type { Peer } from '../machine/agent-peer.ts'
import { healthCheckId } from '../service/service-definition.ts'

const PAUSE_MS = 5000

/** The priority that an instance has registered; 0 without one. */
export function priorityOf({ meta }: Pick<Instance, 'meta'>): number {
  return Number(meta.priority) || 0
}

/** Whether an instance would take the lock. */
export function isCandidateNow({ meta, tags, health }: Pick<Instance, 'meta' | 'tags' | 'health'>): boolean {
  return meta.candidate === 'true' && tags.some((tag) => tag === 'slave' || tag === 'stale') && health === 'passing'
}

/** The agents on other nodes than this one. */
export function peersOf(name: string, node: string, instances: readonly Instance[]): Peer[] {
  return instances
    .filter((instance) => instance.node !== node)
    .map((instance) => ({
      node: instance.node,
      priority: priorityOf(instance),
      isCandidate: isCandidateNow(instance),
      isPresent: isPresent(name, instance),
    }))
}

function isPresent(name: string, { tags, checks }: Instance): boolean {
  const others = checks.filter(({ CheckID }) => CheckID !== healthCheckId(name))
  return !tags.includes('disabled') && worst(others) === 'passing'
}

/** Calls `receive` with the agents on other nodes at each change, until the signal aborts. */
export async function watchPeers(
  ctx: Context,
  consul: Consul,
  { name, node }: { readonly name: string; readonly node: string },
  receive: (peers: readonly Peer[]) => void,
): Promise<void> {
  const retry = new Retry(consul)
  const query = new BlockingQuery((ctx, from) => readInstances(ctx, consul, name, from))
  while (!ctx.signal.aborted) {
    try {
      const reading = await retry.until(quiet(ctx), () => query.next(ctx))
      receive(peersOf(name, node, reading.instances))
    } catch (thrown) {
      if (ctx.signal.aborted) return
      if (!(thrown instanceof Failure)) throw thrown
      await sleep(ctx, PAUSE_MS).catch(() => {})
    }
  }
}
