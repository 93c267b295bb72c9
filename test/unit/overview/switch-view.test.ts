import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../src/consul/kv.ts'
import { switchesIn } from '../../../src/overview/switch-view.ts'

const PLAN = {
  id: 'eab4',
  revision: 1,
  course: 'forward',
  promote: [{ node: 'node2', datacenter: 'dc1' }],
  demote: [
    { node: 'node1', datacenter: 'dc1' },
    { node: 'node0', datacenter: 'dc1' },
  ],
  skipped: [{ node: 'node0', datacenter: 'dc1' }],
  swaps: [],
  by: 'node2',
  since: '2026-11-28T23:04:04.790Z',
}

function entries(values: Readonly<Record<string, unknown>>): Entry[] {
  return Object.entries(values).map(([key, value], n) => ({
    key,
    value: typeof value === 'string' ? value : JSON.stringify(value),
    flags: 0n,
    session: undefined,
    lockIndex: 0,
    createIndex: n,
    modifyIndex: n,
  }))
}

describe('the switches that keys tell of', () => {
  test('are the plans, with what each node is to do and how far it is', () => {
    const [one, ...others] = switchesIn(
      entries({
        'service/mysql/switch': PLAN,
        'service/mysql/node1/demote': 'WAIT',
        'service/mysql/node1/report': { demote: { index: 1, value: 'WAIT', outcome: 'done' } },
        'service/mysql/node2/promote': 'START',
        'service/mysql/node2/report': { promote: { index: 99, value: 'NULL', outcome: 'failed' } },
      }),
    )
    expect(others).toEqual([])
    expect(one?.nodes).toMatchObject([
      { node: 'node1', direction: 'demote', flag: 'WAIT', handled: { outcome: 'done' }, isSkipped: false },
      { node: 'node0', direction: 'demote', flag: 'NULL', isSkipped: true },
      { node: 'node2', direction: 'promote', flag: 'START' },
    ])
    expect(one?.nodes[2]?.handled).toBeUndefined()
  })

  test('are flags that stand raised without a plan, and none that is NULL', () => {
    const views = switchesIn(
      entries({ 'service/web/a/promote': 'NULL', 'service/web/b/demote': 'START\n', 'service/web/config': 'START' }),
    )
    expect(views).toEqual([
      { service: 'web', nodes: [{ node: 'b', direction: 'demote', flag: 'START', isSkipped: false }] },
    ])
  })

  test('tell of a plan that can’t be read', () => {
    const [view] = switchesIn(entries({ 'service/mysql/switch': '{"id":' }))
    expect(view).toMatchObject({ service: 'mysql', nodes: [], trouble: expect.stringContaining('no plan') })
  })
})
