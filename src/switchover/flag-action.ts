import type { Direction, Flag } from './flags.ts'
import { hasHandled, type NodeReport } from './node-report.ts'
import type { ClusterRole } from './roles.ts'

/**
 * What a node has to do about a flag: nothing; note that it has seen it; make ready to start; stop its services; start
 * them; or rest as a standby.
 */
export type FlagAction = 'nothing' | 'note' | 'prepare' | 'stop' | 'start' | 'rest'

export interface NodeCondition {
  readonly report: NodeReport
  readonly role: ClusterRole
  /** A demotion of this node is raised or not yet over: its services must stay stopped. */
  readonly isFenced: boolean
}

/**
 * A node acts on changes of a flag only. A NULL that stands when the node first looks, or when its agent starts, asks
 * for nothing; one that follows START or WAIT ends a switch, and the node does what its role is by then.
 */
export function flagActionFor(direction: Direction, flag: Flag, { report, role, isFenced }: NodeCondition): FlagAction {
  if (hasHandled(report, direction, flag)) return 'nothing'
  switch (flag.value) {
    case 'WAIT':
      return 'nothing'
    case 'START':
      return direction === 'demote' ? 'stop' : 'prepare'
    case 'NULL':
      if (report[direction] === undefined) return flag.index === 0 ? 'nothing' : 'note'
      return role === 'active' && !isFenced ? 'start' : 'rest'
  }
}
