import type { Context } from '../base/context.ts'
import { worst } from '../consul/health.ts'
import { type Instance, readInstances } from '../consul/instances.ts'
import { isMaintenance } from '../consul/maintenance.ts'
import { checkSeesNodes } from '../consul/node-visibility.ts'
import { membersOf } from '../switchover/cluster-members.ts'
import type { ClusterView } from '../switchover/cluster-view.ts'
import type { ClusterRole, NodeAt } from '../switchover/roles.ts'
import type { InitStatus, NodeStatus } from './status-block.ts'

/** How the nodes of a cluster are, and whether the service runs on any of them, as their checks tell. */
export interface ClusterHealth {
  readonly cluster: NonNullable<InitStatus['cluster']>
  readonly runs: boolean
}

/** Rejects with a `Failure`. */
export async function clusterHealth(ctx: Context, view: ClusterView): Promise<ClusterHealth> {
  const members = await membersOf(ctx, view)
  const known = new Map<string, readonly Instance[]>()
  for (const { consul, datacenter } of view.sites) {
    const { instances } = await readInstances(ctx, consul, view.cluster.service)
    if (instances.length === 0) await checkSeesNodes(ctx, consul, `how ${view.cluster.service} is`)
    known.set(datacenter, instances)
  }
  const of = ({ node, datacenter }: NodeAt) => known.get(datacenter)?.filter((one) => one.node === node) ?? []
  // One that nobody can place is a member in each place that it may be in.
  const side = (nodes: readonly NodeAt[]): NodeStatus[] =>
    nodes
      .filter(({ node }, position) => nodes.findIndex((other) => other.node === node) === position)
      .map((at) => nodeHealth(at.node, of(at)))
  const runs = (role: ClusterRole) => members[role].some((at) => isRunning(of(at), role))
  return {
    cluster: { active: side(members.active), standby: side(members.standby) },
    runs: runs('active') || runs('standby'),
  }
}

function nodeHealth(node: string, instances: readonly Instance[]): NodeStatus {
  if (instances.length === 0) return { node, health: 'critical' }
  const checks = instances.flatMap(({ checks }) => checks)
  const health = worst(checks.filter((check) => !isMaintenance(check)))
  const isExcused = health === 'passing' && wordsOf(instances).some(({ noop }) => noop === true)
  const maintenance = checks.some(isMaintenance)
  return { node, health, ...(isExcused ? { noop: true } : {}), ...(maintenance ? { maintenance } : {}) }
}

/**
 * By the words of our own check; one of another kind must pass on a primary. A dead node's words are of another time.
 */
function isRunning(instances: readonly Instance[], role: ClusterRole): boolean {
  const checks = instances.flatMap(({ checks }) => checks)
  if (checks.some(({ CheckID, Status }) => CheckID === 'serfHealth' && Status === 'critical')) return false
  const words = wordsOf(instances)
  if (words.length > 0) return words.some(({ state }) => state !== 'stopped')
  return (
    role === 'active' && instances.length > 0 && worst(checks.filter((check) => !isMaintenance(check))) !== 'critical'
  )
}

interface Words {
  readonly state?: unknown
  readonly noop?: unknown
}

/** What our own checks have printed, which are a line of JSON with a state. */
function wordsOf(instances: readonly Instance[]): Words[] {
  return instances.flatMap(({ checks }) => checks).flatMap(({ Output }) => parsed(Output) ?? [])
}

function parsed(output: string): Words | undefined {
  try {
    const words: unknown = JSON.parse(output)
    return typeof words === 'object' && words !== null && 'state' in words ? words : undefined
  } catch {
    return undefined
  }
}
