import type { Context } from '../base/context.ts'
import { isAddress } from '../base/host-port.ts'
import type { QueryOptions } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import { type Instance, readInstances } from '../consul/instances.ts'

/** Which healthy instances are wanted. */
export interface HostSelection {
  readonly label: string
  /** Instances on this node don't count. */
  readonly exceptNode: string | undefined
}

/** The healthy instances of a label, and the index to wait from. */
export interface HealthyHosts {
  /** In the order of their addresses. */
  readonly hosts: Instance[]
  /** Healthy ones whose words nobody should hand to a program. */
  readonly leftOut: number
  readonly index: number
}

/** Reads them at once, or as a blocking query. Rejects with a `Failure` or the signal's reason. */
export async function readHealthyHosts(
  ctx: Context,
  consul: Consul,
  { label, exceptNode }: HostSelection,
  from: QueryOptions = {},
): Promise<HealthyHosts> {
  const { instances, index } = await readInstances(ctx, consul, label, from)
  const healthy = instances.filter(({ health, node }) => health === 'passing' && node !== exceptNode)
  const hosts = sorted(healthy.filter(isSafeInstance))
  return { hosts, leftOut: healthy.length - hosts.length, index }
}

/** Tells of those that were left out, if any were. */
export function warnOfLeftOut(ctx: Context, label: string, { hosts, leftOut }: HealthyHosts): void {
  if (leftOut === 0) return
  ctx.log.warn(`${leftOut} of ${hosts.length + leftOut} hosts of ${label} left out: no address, or odd names`)
}

/** Whoever registers a service chooses these words, and they become arguments of programs. */
function isSafeInstance({ address, node, id }: Instance): boolean {
  return isAddress(address) && !node.startsWith('-') && !id.startsWith('-')
}

/** 10.0.0.9 comes before 10.0.0.10. */
function sorted(instances: Instance[]): Instance[] {
  const { compare } = new Intl.Collator('en', { numeric: true })
  return instances.sort((a, b) => compare(a.address, b.address) || a.port - b.port || compare(a.id, b.id))
}
