import { Failure, messageOf } from '../base/failure.ts'
import { matchesName } from './name-pattern.ts'

/** Where a node is. */
export interface NodeAt {
  readonly node: string
  readonly datacenter: string
}

/** Whether a node is one of these. Its name is unique in its datacenter only. */
export function isAmong({ node, datacenter }: NodeAt, nodes: readonly NodeAt[]): boolean {
  return nodes.some((other) => other.node === node && other.datacenter === datacenter)
}

/** Who runs the service and who stands by: nodes, or whole datacenters. */
export type Roles = NodeRoles | DatacenterRoles

export interface NodeRoles {
  readonly form: 'nodes'
  readonly active: readonly string[]
  readonly standby: readonly string[]
}

export interface DatacenterRoles {
  readonly form: 'datacenters'
  readonly active: string
  readonly standby: string
}

export type ClusterRole = 'active' | 'standby'

/** What stands at a cluster key, for the nodes of one filter. */
export interface ClusterData {
  readonly roles: Roles
  /** Set by python-powerconsul while its own switch is under way. */
  readonly locked: boolean
}

/**
 * Reads a cluster key: the roles themselves, or those of the first filter that matches the node's name.
 * Throws a `malformed` failure that names the key.
 */
export function parseCluster(key: string, text: string, node: string): ClusterData {
  const data = part(key, parse(key, text), node)
  return { roles: rolesIn(key, data), locked: data.lock === true }
}

/** The same cluster key with other roles; all else in it stays. */
export function withRoles(key: string, text: string, node: string, roles: Roles): string {
  const root = parse(key, text)
  const data = part(key, root, node)
  const { active, standby } = roles
  const what = roles.form === 'nodes' ? 'nodes' : 'datacenter'
  Object.assign(data, { [`active_${what}`]: active, [`standby_${what}`]: standby })
  return JSON.stringify(root, undefined, text.includes('\n') ? 2 : undefined)
}

/** The same cluster key without python-powerconsul's mark of a switch. */
export function withoutLock(key: string, text: string, node: string): string {
  const root = parse(key, text)
  const data = part(key, root, node)
  delete data.lock
  return JSON.stringify(root, undefined, text.includes('\n') ? 2 : undefined)
}

/** A node's role; `undefined` when it has none. */
export function clusterRoleOf(roles: Roles, { node, datacenter }: NodeAt): ClusterRole | undefined {
  if (roles.form === 'datacenters') {
    if (roles.active === datacenter) return 'active'
    return roles.standby === datacenter ? 'standby' : undefined
  }
  if (roles.active.includes(node)) return 'active'
  return roles.standby.includes(node) ? 'standby' : undefined
}

/** Whether two clusters have the same roles; the order of nodes means nothing. */
export function sameRoles(one: Roles, other: Roles): boolean {
  return wording(one) === wording(other)
}

/** Whether the same are active in two clusters. */
export function sameActive(one: Roles, other: Roles): boolean {
  return (
    one.form === other.form &&
    JSON.stringify([one.active].flat().toSorted()) === JSON.stringify([other.active].flat().toSorted())
  )
}

function wording({ form, active, standby }: Roles): string {
  return JSON.stringify([form, [active].flat().toSorted(), [standby].flat().toSorted()])
}

type Data = Record<string, unknown>

function parse(key: string, text: string): Data {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (thrown) {
    throw wrong(key, `is not JSON: ${messageOf(thrown)}`)
  }
  if (!isData(json)) throw wrong(key, 'is not a JSON object')
  return json
}

function part(key: string, root: Data, node: string): Data {
  if (root.filter === undefined) return root
  if (!isData(root.filter)) throw wrong(key, 'has a filter that is not an object')
  for (const [pattern, data] of Object.entries(root.filter)) {
    if (!matches(key, pattern, node)) continue
    if (!isData(data)) throw wrong(key, `has no object for the filter ${JSON.stringify(pattern)}`)
    return data
  }
  throw wrong(key, `has no filter that matches the node ${node}`)
}

function matches(key: string, pattern: string, node: string): boolean {
  try {
    return matchesName(pattern, node)
  } catch {
    throw wrong(key, `has the filter ${JSON.stringify(pattern)}, which is no regular expression, or takes too long`)
  }
}

function rolesIn(key: string, data: Data): Roles {
  const { active_nodes, standby_nodes, active_datacenter, standby_datacenter } = data
  const byNodes = active_nodes !== undefined || standby_nodes !== undefined
  const byDatacenter = active_datacenter !== undefined || standby_datacenter !== undefined
  if (byNodes && byDatacenter) throw wrong(key, 'has both nodes and datacenters; one of the two decides')
  if (byDatacenter) {
    const active = name(key, 'active_datacenter', active_datacenter)
    const standby = name(key, 'standby_datacenter', standby_datacenter)
    if (active === standby) throw wrong(key, `has ${active} as active and as standby datacenter`)
    return { form: 'datacenters', active, standby }
  }
  const active = names(key, 'active_nodes', active_nodes)
  const standby = standby_nodes === undefined ? [] : names(key, 'standby_nodes', standby_nodes)
  const both = active.find((node) => standby.includes(node))
  if (both !== undefined) throw wrong(key, `has ${both} among both active_nodes and standby_nodes`)
  return { form: 'nodes', active, standby }
}

function names(key: string, field: string, value: unknown): string[] {
  if (value === undefined) throw wrong(key, `has no ${field}`)
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')) return value
  throw wrong(key, `has ${field} that are no list of node names`)
}

function name(key: string, field: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw wrong(key, value === undefined ? `has no ${field}` : `has a ${field} that is no name`)
}

function isData(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(key: string, how: string): Failure {
  return new Failure('malformed', `the cluster key ${key} ${how}`, {
    hint: `consul kv put ${key} '{"active_nodes": ["node1"], "standby_nodes": ["node2"]}'`,
  })
}
