import { describe, expect, test } from 'vitest'
import { checkRole, INIT_ACTIONS, type InitAction } from '../../../src/init/role-rules.ts'
import type { ClusterRole } from '../../../src/switchover/roles.ts'

describe('roles and actions', () => {
  const allowed: Record<ClusterRole, readonly InitAction[]> = {
    active: ['start', 'restart', 'force-reload', 'status', 'promote', 'demote'],
    standby: ['stop', 'force-reload', 'status', 'start-primary', 'promote', 'demote'],
  }
  const rows = INIT_ACTIONS.flatMap((action) => (['active', 'standby'] as const).map((role) => [action, role] as const))
  test.each(rows)('%s on a node that is %s', (action, role) => {
    const attempt = () => checkRole(action, role, 'NULL')
    if (allowed[role].includes(action)) expect(attempt).not.toThrow()
    else expect(attempt).toThrow(/Node is already primary|Cannot manually|can only be issued/)
  })

  test.each(['start', 'restart'] as const)('%s is refused while the node is being demoted', (action) => {
    expect(() => checkRole(action, 'active', 'WAIT')).toThrow(/while a demotion of this node is under way/)
  })
})
