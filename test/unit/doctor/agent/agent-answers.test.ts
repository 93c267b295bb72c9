import { describe, expect, test } from 'vitest'
import { configurationIn } from '../../../../src/doctor/agent/agent-answers.ts'

describe('an agent’s configuration', () => {
  test.each([
    [
      { LeaveOnTerm: true, HTTPMaxConnsPerClient: 200 },
      { leavesOnTerminate: true, mostConnections: 200 },
    ],
    [
      { LeaveOnTerm: false, HTTPMaxConnsPerClient: 0 },
      { leavesOnTerminate: false, mostConnections: 0 },
    ],
    [{ HTTPMaxConnsPerClient: -1 }, { leavesOnTerminate: undefined, mostConnections: 0 }],
    [
      { LeaveOnTerm: 'yes', HTTPMaxConnsPerClient: 'many' },
      { leavesOnTerminate: undefined, mostConnections: undefined },
    ],
    [null, { leavesOnTerminate: undefined, mostConnections: undefined }],
  ])('reads %j', (DebugConfig, expected) => {
    const Config = { NodeName: 'web1', Version: '1.8.7', Server: false }
    const known = { node: 'web1', version: '1.8.7', isServer: false }
    expect(configurationIn({ Config, DebugConfig })).toEqual({ ...known, ...expected })
  })

  test.each([null, [], {}, { Config: {} }, { Config: { NodeName: 'a\nb' } }])('is none: %j', (json) => {
    expect(configurationIn(json)).toBeUndefined()
  })
})
