import { Failure } from '../base/failure.ts'
import { type ClusterView, ownRole } from './cluster-view.ts'
import { FLAG_VALUES, flagKey } from './flags.ts'
import type { SwitchPlan } from './plan.ts'
import { type ClusterRole, isAmong, type NodeAt } from './roles.ts'
import { swapsOf } from './swaps.ts'

/** What the operator wants of a switch. */
export interface SwitchOptions {
  /** Only nodes of this datacenter become primary. */
  readonly toDatacenter: string | undefined
  /** Only this node becomes primary. */
  readonly toNode: string | undefined
  /** Goes on without nodes to demote that are dead, and with flags that an unknown switch left behind. */
  readonly force: boolean
  /** Nodes to demote that are dead, or on which the service is critical, are waited for, and then left out. */
  readonly patient: boolean
  /** What becomes of nodes that are left out: a command switches them off, or somebody has; or nobody can. */
  readonly fencing: 'command' | 'done' | 'none'
}

export interface PlanInput {
  readonly id: string
  readonly since: string
  readonly options: SwitchOptions
  readonly members: Readonly<Record<ClusterRole, readonly NodeAt[]>>
  readonly dead: readonly NodeAt[]
  /** Those that Consul has in maintenance. */
  readonly maintained: readonly NodeAt[]
  /** Those to demote that are left out, and are to be switched off before. */
  readonly toFence: readonly NodeAt[]
}

/** The plan of a new switch. Throws a `precondition` failure when there can be none. */
export function planSwitch(view: ClusterView, input: PlanInput): SwitchPlan {
  const { id, since, options, members, dead, toFence } = input
  const { self } = view
  refuseBadGround(view)
  if (ownRole(view) === 'active') {
    throw new Failure('precondition', 'Node is already primary/active!', {
      hint: 'run start-primary on a standby node',
    })
  }
  refuseUnreachable(view, options)
  const promote = candidates(view, input)
  const demote = members.active
  const deadActive = demote.filter((at) => isAmong(at, dead))
  if (deadActive.length > 0 && !options.force && !options.patient) {
    throw deadPrimaries(deadActive)
  }
  refuseLeftovers(view, promote, false)
  refuseLeftovers(view, demote, options.force)
  return {
    id,
    revision: 1,
    course: 'forward',
    promote,
    demote,
    skipped: options.force ? deadActive : [],
    ...(toFence.length > 0 ? { unfenced: toFence } : {}),
    swaps: swapsOf(view, promote),
    by: self.node,
    since,
  }
}

/** Primaries are dead, and nobody has said to go on without them. */
export function deadPrimaries(nodes: readonly NodeAt[]): Failure {
  const names = new Set(nodes.map(({ node }) => node))
  return new Failure('precondition', `${[...names].join(', ')} can't be demoted: Consul holds it for dead`, {
    hint: '--force switches without it, once you know that its services are down; --dead-after 30s waits first',
  })
}

function refuseBadGround({ dissenter, cluster, locked, self }: ClusterView): void {
  if (dissenter !== undefined) {
    throw new Failure(
      'precondition',
      `the datacenters ${self.datacenter} and ${dissenter} disagree on the roles at ${cluster.key}`,
      { hint: `make them equal: consul kv put -datacenter=… ${cluster.key} …` },
    )
  }
  if (locked) {
    throw new Failure('conflict', `python-powerconsul has locked ${cluster.key}: a switch of its own is under way`, {
      hint: 'it takes "lock" out of the key once a primary passes its check; so does consul-locker check on a standby',
    })
  }
}

function refuseUnreachable({ unreachable }: ClusterView, { force }: SwitchOptions): void {
  if (unreachable.length === 0 || force) return
  throw new Failure(
    'precondition',
    `the datacenter ${unreachable.join(', ')} can't be reached, and may have a part in this`,
    {
      hint: '--force switches without it, once you know that its services are down',
    },
  )
}

function candidates({ roles, cluster }: ClusterView, { options, members, dead, maintained }: PlanInput): NodeAt[] {
  const { toDatacenter, toNode } = options
  if (toNode !== undefined && roles.form === 'datacenters') {
    throw new Failure(
      'precondition',
      `the roles at ${cluster.key} are those of datacenters: one node can't have one alone`,
    )
  }
  const wanted = members.standby.filter(
    ({ node, datacenter }) => (toDatacenter ?? datacenter) === datacenter && (toNode ?? node) === node,
  )
  const alive = wanted.filter((at) => !isAmong(at, dead))
  const ready = alive.filter((at) => !isAmong(at, maintained))
  if (ready.length > 0) return ready
  if (alive.length > 0) {
    const names = alive.map(({ node }) => node).join(', ')
    throw new Failure('precondition', `${names} can't become primary: Consul has it in maintenance`, {
      hint: 'consul maint -disable on that node ends it',
    })
  }
  const where = toDatacenter === undefined ? '' : ` in ${toDatacenter}`
  const named = toNode === undefined ? 'is alive' : `is ${toNode}, and alive`
  throw new Failure('precondition', `no standby node of ${cluster.service}${where} ${named}`, {
    hint: 'status shows the nodes of the cluster',
  })
}

/** A flag that isn't NULL while no plan stands is another tool's, or a fence that its node hasn't come to yet. */
function refuseLeftovers({ sites, cluster }: ClusterView, nodes: readonly NodeAt[], mayBeFenced: boolean): void {
  for (const { node, datacenter } of nodes) {
    const site = sites.find((site) => site.datacenter === datacenter)
    for (const direction of ['promote', 'demote'] as const) {
      const value = site?.flag(node, direction).value ?? 'NULL'
      if (value === 'NULL' || (mayBeFenced && direction === 'demote' && value === 'START')) continue
      const key = flagKey(cluster.service, node, direction)
      throw new Failure('conflict', `${key} is ${value}, but no switch of ours is under way`, {
        hint: `once that is settled: consul-locker ${direction} ${cluster.service} --node ${node} --set ${FLAG_VALUES[0]}`,
      })
    }
  }
}
