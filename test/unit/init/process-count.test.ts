import { describe, expect, test } from 'vitest'
import { judgeCheck, type Observation } from '../../../src/init/check-result.ts'
import { observeProcesses } from '../../../src/init/process-count.ts'

describe('a count of processes', () => {
  test('knows that we run, by somebody else’s process', () => {
    const query = { text: 'init', tests: [() => true], thresholds: {} }
    expect(observeProcesses(query)).toMatchObject({ state: 'running', health: 'passing', count: expect.any(Number) })
    expect(observeProcesses({ ...query, tests: [() => false] })).toMatchObject({ state: 'stopped', count: 0 })
  })

  test('that is too high is no rest, and no run either', () => {
    const seen: Observation = { type: 'process', name: 'x', state: 'running', health: 'critical', count: 9 }
    const membership = {
      clustered: true,
      node: 'a',
      role: 'standby',
      maintainedPrimaries: [],
      isMaintained: false,
      isTakingOver: false,
      failures: [],
    } as const
    expect(judgeCheck(seen, { clustered: false })).toMatchObject({ expects: 'running', health: 'critical', count: 9 })
    expect(judgeCheck(seen, { ...membership, activePasses: true })).toMatchObject({
      expects: 'stopped',
      health: 'critical',
    })
  })
})
