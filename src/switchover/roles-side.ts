import { Failure } from '../base/failure.ts'
import type { Swap } from './plan.ts'
import { parseCluster, type Roles, sameActive, withRoles } from './roles.ts'

/** Which way a cluster key stands; `other` when it is neither, or says nothing that makes sense. */
export type RolesSide = 'before' | 'after' | 'other'

/** Which side of a swap a cluster key's text is on: by its roles, not by its words. */
export function rolesSide(key: string, node: string, swap: Swap, text: string | undefined): RolesSide {
  if (text === swap.before) return 'before'
  if (text === swap.after) return 'after'
  const [here, before, after] = [text, swap.before, swap.after].map((text) => rolesIn(key, node, text))
  if (!here || !before || !after) return 'other'
  if (isLike(here, before)) return 'before'
  return isLike(here, after) ? 'after' : 'other'
}

/** What a swap makes of a cluster key: those texts of the plan, or what stands there by now with the plan's roles. */
export function swapped(
  key: string,
  node: string,
  swap: Swap,
  text: string | undefined,
  to: 'before' | 'after',
): string {
  const [here, there] = [text, swap[to]].map((text) => rolesIn(key, node, text))
  const isAsPlanned = text === swap.before || text === swap.after
  if (text === undefined || isAsPlanned || !here || !there || rolesSide(key, node, swap, text) === 'other')
    return swap[to]
  return withRoles(key, text, node, withNewcomers(there, here))
}

/** The same nodes are active, and those that stand by do so; more may have come to stand by. */
function isLike(here: Roles, planned: Roles): boolean {
  const standby = [here.standby].flat()
  return sameActive(here, planned) && [planned.standby].flat().every((node) => standby.includes(node))
}

function withNewcomers(planned: Roles, here: Roles): Roles {
  if (planned.form === 'datacenters' || here.form === 'datacenters') return planned
  const known = [...planned.active, ...planned.standby]
  return { ...planned, standby: [...planned.standby, ...here.standby.filter((node) => !known.includes(node))] }
}

/** The roles in a cluster key's text; `undefined` when it says none that make sense. */
export function rolesIn(key: string, node: string, text: string | undefined): Roles | undefined {
  if (text === undefined) return undefined
  try {
    return parseCluster(key, text, node).roles
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    return undefined
  }
}
