import { describe, expect, test } from 'vitest'
import { checkRole, INIT_ACTIONS, type InitAction } from '../../../src/init/role-rules.ts'
import { type FlagAction, flagActionFor } from '../../../src/switchover/flag-action.ts'
import { type Direction, type FlagValue, parseFlag } from '../../../src/switchover/flags.ts'
import type { HandledFlag } from '../../../src/switchover/node-report.ts'
import { type ClusterRole, clusterRoleOf, parseCluster, withoutLock, withRoles } from '../../../src/switchover/roles.ts'

const KEY = 'cluster/production/web'

describe('what a node does about a flag', () => {
  const handled = (index: number, value: FlagValue, outcome: HandledFlag['outcome'] = 'done') => ({
    index,
    value,
    outcome,
  })
  const table: [string, Direction, FlagValue, HandledFlag | undefined, ClusterRole, 'free' | 'fenced', FlagAction][] = [
    ['a demotion begins', 'demote', 'START', undefined, 'active', 'fenced', 'stop'],
    ['a fence stands at a node that comes back', 'demote', 'START', handled(3, 'NULL'), 'standby', 'fenced', 'stop'],
    ['a promotion begins', 'promote', 'START', handled(3, 'NULL'), 'standby', 'free', 'prepare'],
    ['it waits for the others', 'promote', 'WAIT', handled(3, 'START'), 'standby', 'free', 'nothing'],
    ['it waits, having stopped', 'demote', 'WAIT', handled(3, 'START'), 'active', 'fenced', 'nothing'],
    ['its promotion is over', 'promote', 'NULL', handled(3, 'START'), 'active', 'free', 'start'],
    ['its promotion was undone', 'promote', 'NULL', handled(3, 'START'), 'standby', 'free', 'rest'],
    ['its demotion is over', 'demote', 'NULL', handled(3, 'START'), 'standby', 'free', 'rest'],
    ['its demotion was undone', 'demote', 'NULL', handled(3, 'START'), 'active', 'free', 'start'],
    ['its promotion is over while it is fenced', 'promote', 'NULL', handled(3, 'START'), 'active', 'fenced', 'rest'],
    ['an agent starts, and its watch fires', 'promote', 'NULL', handled(7, 'NULL'), 'active', 'free', 'nothing'],
    [
      'a watch fires for a START that was dealt with',
      'demote',
      'START',
      handled(7, 'START'),
      'active',
      'fenced',
      'nothing',
    ],
    ['the node sees its flag for the first time', 'promote', 'NULL', undefined, 'active', 'free', 'note'],
    ['what failed is tried again', 'promote', 'NULL', handled(7, 'NULL', 'failed'), 'active', 'free', 'start'],
  ]
  test.each(table)('when %s', (_, direction, value, known, role, fence, action) => {
    const report = known ? { [direction]: known } : {}
    expect(flagActionFor(direction, { value, index: 7 }, { report, role, isFenced: fence === 'fenced' })).toBe(action)
  })

  test('is nothing when there has never been a flag', () => {
    expect(flagActionFor('promote', { value: 'NULL', index: 0 }, { report: {}, role: 'active', isFenced: false })).toBe(
      'nothing',
    )
  })
})

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

describe('a cluster key', () => {
  const node1 = { node: 'node1', datacenter: 'dc1' }
  const nodes = '{"active_nodes": ["node1"], "standby_nodes": ["node2"]}'

  test('names nodes', () => {
    const { roles } = parseCluster(KEY, nodes, 'node1')
    expect([
      clusterRoleOf(roles, node1),
      clusterRoleOf(roles, { ...node1, node: 'node2' }),
      clusterRoleOf(roles, { ...node1, node: 'x' }),
    ]).toEqual(['active', 'standby', undefined])
  })

  test('names datacenters', () => {
    const { roles } = parseCluster(KEY, '{"active_datacenter": "dc2", "standby_datacenter": "dc1"}', 'node1')
    expect(clusterRoleOf(roles, node1)).toBe('standby')
  })

  test('has filters; the first that matches a node’s name counts', () => {
    const text = `{"filter": {"db.*": {"active_nodes": ["db1"], "standby_nodes": []}, "n": ${nodes}}}`
    expect(parseCluster(KEY, text, 'node1').roles).toMatchObject({ active: ['node1'] })
    const after = withRoles(KEY, text, 'node1', { form: 'nodes', active: ['node2'], standby: ['node1'] })
    expect(JSON.parse(after).filter).toEqual({
      'db.*': { active_nodes: ['db1'], standby_nodes: [] },
      n: { active_nodes: ['node2'], standby_nodes: ['node1'] },
    })
  })

  test('keeps what else stands in it, and its lines', () => {
    const text = '{\n  "active_nodes": ["node1"],\n  "standby_nodes": ["node2"],\n  "lock": true,\n  "note": 1\n}'
    expect(parseCluster(KEY, text, 'node1').locked).toBe(true)
    expect(withoutLock(KEY, text, 'node1')).toBe(
      JSON.stringify({ active_nodes: ['node1'], standby_nodes: ['node2'], note: 1 }, undefined, 2),
    )
  })

  test.each([
    ['not JSON', '{', /^the cluster key cluster\/production\/web is not JSON/],
    ['no object', '[]', /is not a JSON object/],
    ['empty', '{}', /has no active_nodes/],
    ['without actives', '{"standby_nodes": []}', `${KEY} has no active_nodes`],
    ['with a name for a list', '{"active_nodes": "node1", "standby_nodes": []}', /active_nodes that are no list/],
    ['with lists that overlap', '{"active_nodes": ["a", "b"], "standby_nodes": ["b"]}', /has b among both/],
    [
      'with both forms',
      '{"active_nodes": [], "standby_nodes": [], "active_datacenter": "dc1"}',
      /both nodes and datacenters/,
    ],
    [
      'with one datacenter twice',
      '{"active_datacenter": "a", "standby_datacenter": "a"}',
      /a as active and as standby/,
    ],
    ['with a filter that matches nothing', '{"filter": {"x": {}}}', /no filter that matches the node node1/],
    ['with a filter that is no expression', '{"filter": {"(": {}}}', /no regular expression/],
    ['with a filter that takes years', '{"filter": {"(n?o?d?e?1?){400}x": {}}}', /takes too long/],
  ])('that is %s is refused in one sentence', (_, text, sentence) => {
    expect(() => parseCluster(KEY, text, 'node1')).toThrow(sentence)
  })
})

describe('a flag', () => {
  test('that is absent is NULL', () => expect(parseFlag('k', undefined)).toEqual({ value: 'NULL', index: 0 }))
  test('may end with a newline', () => expect(parseFlag('k', { value: 'WAIT\n', modifyIndex: 4 }).value).toBe('WAIT'))
  test('is one of three words', () => {
    expect(() => parseFlag('k', { value: 'start', modifyIndex: 4 })).toThrow('"start" at k is no flag')
  })
})
