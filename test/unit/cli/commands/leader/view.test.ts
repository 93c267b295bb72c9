import { expect, test } from 'vitest'
import { columnsOf } from '../../../../../src/base/columns.ts'
import { clusterTable, memberLines } from '../../../../../src/cli/commands/leader/view.ts'
import type { ClusterMember, ClusterStatus } from '../../../../../src/leader/cluster/cluster-status.ts'

const MESSAGE = 'Redis operating as master with 0 replicas, and its append-only file is 12 s behind'
const member = (about: Partial<ClusterMember> = {}): ClusterMember => ({
  ...{ node: 'redis-1', address: '10.0.0.1', port: 6379, role: 'master', health: 'passing', message: MESSAGE },
  ...{ priority: 10, candidate: true, position: '0', disabled: false, maintenanceUntil: undefined, reinit: undefined },
  ...about,
})
const cluster = (why: string): ClusterStatus => ({
  ...{ name: 'redis', master: undefined, promoting: false, note: undefined, members: [member()], absent: [] },
  ...{ maintenanceUntil: undefined, switchover: undefined, frozen: { why }, failovers: [] },
})

test('what is too long for a terminal ends in an ellipsis', () => {
  const [head, line = ''] = memberLines([member()], 80)
  expect(head).toBe('NODE     ROLE    HEALTH   PRIO  ADDRESS')
  expect(line).toMatch(/^redis-1 {2}master {2}passing {2}10 {4}10\.0\.0\.1:6379 {2}Redis operating as .*…$/)
  expect(columnsOf(line)).toBe(80)
  const lines = clusterTable(cluster('w'.repeat(200)), 0, 80)
  expect(lines.filter((text) => text.endsWith('…'))).toHaveLength(2)
  expect(Math.max(...lines.map(columnsOf))).toBe(80)
})

test('nothing is cut where no terminal is', () => {
  const node = 'n'.repeat(60)
  const [, line = ''] = memberLines([member({ node })], Number.POSITIVE_INFINITY)
  expect(line).toContain(node)
  expect(line).toContain(MESSAGE)
  expect(clusterTable(cluster('w'.repeat(200)), 0, Number.POSITIVE_INFINITY).join()).not.toContain('…')
})
