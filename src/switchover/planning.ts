import { Failure } from '../base/failure.ts'
import { FLAG_VALUES, flagKey } from './flags.ts'
import { type Ground, ownRole } from './ground.ts'
import type { Plan } from './plan.ts'
import { isAmong, type NodeAt, type Role } from './roles.ts'
import { swapsOf } from './swaps.ts'

/** What the operator wants of a switch. */
export interface Wish {
  /** Only nodes of this datacenter become primary. */
  readonly toDatacenter: string | undefined
  /** Only this node becomes primary. */
  readonly toNode: string | undefined
  /** Goes on without nodes to demote that are dead, and with flags that an unknown switch left behind. */
  readonly force: boolean
  /** Nodes to demote that are dead, or on which the service is critical, are waited for, and then left out. */
  readonly patient: boolean
}

export interface Intent {
  readonly id: string
  readonly since: string
  readonly wish: Wish
  readonly members: Readonly<Record<Role, readonly NodeAt[]>>
  readonly dead: readonly NodeAt[]
}

/** The plan of a new switch. Throws a `declined` failure when there can be none. */
export function planSwitch(ground: Ground, { id, since, wish, members, dead }: Intent): Plan {
  const { self } = ground
  refuseBadGround(ground)
  if (ownRole(ground) === 'active') {
    throw new Failure('declined', 'Node is already primary/active!', { hint: 'run start-primary on a standby node' })
  }
  refuseUnreachable(ground, wish)
  const promote = candidates(ground, wish, members.standby, dead)
  const demote = members.active
  const deadActive = demote.filter((at) => isAmong(at, dead))
  if (deadActive.length > 0 && !wish.force && !wish.patient) {
    throw deadPrimaries(deadActive)
  }
  refuseLeftovers(ground, promote, false)
  refuseLeftovers(ground, demote, wish.force)
  return {
    id,
    revision: 1,
    course: 'forward',
    promote,
    demote,
    skipped: wish.force ? deadActive : [],
    swaps: swapsOf(ground, promote),
    by: self.node,
    since,
  }
}

/** Primaries are dead, and nobody has said to go on without them. */
export function deadPrimaries(nodes: readonly NodeAt[]): Failure {
  const names = new Set(nodes.map(({ node }) => node))
  return new Failure('declined', `${[...names].join(', ')} can't be demoted: Consul holds it for dead`, {
    hint: '--force switches without it, once you know that its services are down; --dead-after 30s waits first',
  })
}

function refuseBadGround({ dissenter, cluster, locked, self }: Ground): void {
  if (dissenter !== undefined) {
    throw new Failure(
      'declined',
      `the datacenters ${self.datacenter} and ${dissenter} disagree on the roles at ${cluster.key}`,
      { hint: `make them equal: consul kv put -datacenter=… ${cluster.key} …` },
    )
  }
  if (locked) {
    throw new Failure('declined', `python-powerconsul has locked ${cluster.key}: a switch of its own is under way`, {
      hint: 'it takes "lock" out of the key once a primary passes its check; so does consul-locker check on a standby',
    })
  }
}

function refuseUnreachable({ unreachable }: Ground, { force }: Wish): void {
  if (unreachable.length === 0 || force) return
  throw new Failure(
    'declined',
    `the datacenter ${unreachable.join(', ')} can't be reached, and may have a part in this`,
    {
      hint: '--force switches without it, once you know that its services are down',
    },
  )
}

function candidates(ground: Ground, wish: Wish, standby: readonly NodeAt[], dead: readonly NodeAt[]): NodeAt[] {
  const { toDatacenter, toNode } = wish
  const { roles, cluster } = ground
  if (toNode !== undefined && roles.form === 'datacenters') {
    throw new Failure('declined', `the roles at ${cluster.key} are those of datacenters: one node can't have one alone`)
  }
  const wanted = standby.filter(
    ({ node, datacenter }) => (toDatacenter ?? datacenter) === datacenter && (toNode ?? node) === node,
  )
  const alive = wanted.filter((at) => !isAmong(at, dead))
  if (alive.length > 0) return alive
  const where = toDatacenter === undefined ? '' : ` in ${toDatacenter}`
  const named = toNode === undefined ? 'is alive' : `is ${toNode}, and alive`
  throw new Failure('declined', `no standby node of ${cluster.service}${where} ${named}`, {
    hint: 'status shows the nodes of the cluster',
  })
}

/** A flag that isn't NULL while no plan stands is another tool's, or a fence that its node hasn't come to yet. */
function refuseLeftovers({ sites, cluster }: Ground, nodes: readonly NodeAt[], mayBeFenced: boolean): void {
  for (const { node, datacenter } of nodes) {
    const site = sites.find((site) => site.datacenter === datacenter)
    for (const direction of ['promote', 'demote'] as const) {
      const value = site?.flag(node, direction).value ?? 'NULL'
      if (value === 'NULL' || (mayBeFenced && direction === 'demote' && value === 'START')) continue
      const key = flagKey(cluster.service, node, direction)
      throw new Failure('declined', `${key} is ${value}, but no switch of ours is under way`, {
        hint: `once that is settled: consul-locker ${direction} ${cluster.service} --node ${node} --set ${FLAG_VALUES[0]}`,
      })
    }
  }
}
