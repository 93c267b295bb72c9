import { describe, expect, test } from 'vitest'
import type { ServiceNode } from '../kit/service-node.ts'
import { CLUSTER_KEY, SERVICE_NAME } from '../kit/service-node.ts'
import {
  configure,
  did,
  drop,
  failing,
  isCheckedAs,
  node1,
  node2,
  putAtNode1,
  trigger,
} from '../kit/triggered-nodes.ts'

describe('as python-powerconsul’s watch and trigger do, trigger', () => {
  interface Row {
    readonly key: string
    readonly action?: string
    readonly node?: () => ServiceNode
    readonly state?: string
    readonly check?: Record<string, unknown>
    readonly before?: () => Promise<unknown> | unknown
    /** What is done; nothing by default. */
    readonly does?: string
  }
  const WRITE = 'cp @WORD @OUT'
  const rows: [string, Row][] = [
    ['runs the action of a primary', { key: 'primary/critical', does: 'hello' }],
    ['leaves the action of another role alone', { key: 'secondary/critical' }],
    [
      'runs the action of a standby while a primary passes',
      { key: 'secondary/critical', node: () => node2, does: 'hello' },
    ],
    [
      'runs the action of a primary on a standby when none passes',
      {
        key: 'primary/critical',
        node: () => node2,
        before: async () => {
          node1.killServices()
          await isCheckedAs(node1, 'critical')
        },
        does: 'hello',
      },
    ],
    [
      'runs the action of a node on its own, that has no cluster key',
      { key: 'standalone/critical', before: () => drop(CLUSTER_KEY), does: 'hello' },
    ],
    [
      'has an action of its own for a warning',
      { key: 'primary/warning', state: 'warning', check: { Status: 'warning' }, does: 'hello' },
    ],
    ['leaves the action for a warning alone when a check is critical', { key: 'primary/warning' }],
    [
      'runs a script of Bash, by its first line',
      {
        key: 'primary/critical',
        action: '#!/bin/bash\nfor i in 1 2; do\n  echo $i >> @OUT\ndone',
        does: '1\n2',
      },
    ],
    ['gives words to no shell', { key: 'primary/critical', action: 'touch @OUT;true', does: '' }],
    [
      'skips a service of noopTriggers',
      { key: 'primary/critical', before: () => configure({ noopTriggers: [SERVICE_NAME] }) },
    ],
    ['leaves other nodes’ checks alone', { key: 'primary/critical', check: { Node: 'node2' } }],
    ['skips a check that is in another state', { key: 'primary/critical', check: { Status: 'passing' } }],
    [
      'believes the watch’s own state where a check tells none',
      { key: 'primary/warning', state: 'warning', check: { Status: undefined }, does: 'hello' },
    ],
  ]
  test.each(rows)('%s', async (_, row) => {
    const {
      key,
      action = WRITE,
      node = () => node1,
      state = 'critical',
      check = {},
      before = () => {},
      does = '',
    } = row
    await putAtNode1(`triggers/${SERVICE_NAME}/${key}`, action)
    await before()
    expect(await trigger(node(), state, failing(node(), check))).toMatchObject({ code: 0, stdout: '' })
    expect(did()).toBe(does)
  })
})
