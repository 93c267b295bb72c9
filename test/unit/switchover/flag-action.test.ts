import { describe, expect, test } from 'vitest'
import { type FlagAction, flagActionFor } from '../../../src/switchover/flag-action.ts'
import type { Direction, FlagValue } from '../../../src/switchover/flags.ts'
import type { HandledFlag } from '../../../src/switchover/node-report.ts'
import type { ClusterRole } from '../../../src/switchover/roles.ts'

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
