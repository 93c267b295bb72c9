import { Failure } from '../base/failure.ts'
import type { FlagValue } from '../switchover/flags.ts'
import type { ClusterRole } from '../switchover/roles.ts'

export const INIT_ACTIONS = [
  'start',
  'stop',
  'restart',
  'force-reload',
  'status',
  'start-primary',
  'promote',
  'demote',
] as const

export type InitAction = (typeof INIT_ACTIONS)[number]

interface Refusal {
  readonly sentence: string
  readonly hint: string
}

/** What a role may not do, and the way out. All that isn't here is allowed. */
const REFUSED: Record<ClusterRole, Partial<Record<InitAction, Refusal>>> = {
  active: {
    stop: {
      sentence: 'Cannot manually stop service on an active/primary node!',
      hint: 'run start-primary on a standby node, which stops it here; or restart',
    },
    'start-primary': { sentence: 'Node is already primary/active!', hint: 'run start-primary on a standby node' },
  },
  standby: {
    start: {
      sentence: 'Cannot manually start service on a standby node!',
      hint: 'run start-primary to make this node primary',
    },
    restart: {
      sentence: 'Restart commands can only be issued on primary/active nodes!',
      hint: 'run it on the primary node, which status shows',
    },
  },
}

/** Throws a `precondition` failure for what a node in this role, with this demote flag, may not do. */
export function checkRole(action: InitAction, role: ClusterRole, demote: FlagValue): void {
  const refusal = REFUSED[role][action]
  if (refusal) throw new Failure('precondition', refusal.sentence, { hint: refusal.hint })
  if (demote !== 'NULL' && (action === 'start' || action === 'restart')) {
    throw new Failure('precondition', `Cannot ${action} service while a demotion of this node is under way!`, {
      hint: 'it ends with the switch; start-primary on a standby node goes on with one that broke off',
    })
  }
}
