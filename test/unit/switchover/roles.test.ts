import { describe, expect, test } from 'vitest'
import { clusterRoleOf, parseCluster, withoutLock, withRoles } from '../../../src/switchover/roles.ts'

const KEY = 'cluster/production/web'

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
