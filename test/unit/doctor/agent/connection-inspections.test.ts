import { expect, test } from 'vitest'
import { judgeNoLeader } from '../../../../src/doctor/agent/connection-inspections.ts'

test.each([
  ['No known Consul servers', 'retry_join'],
  ['No cluster leader', 'more than half'],
])('without a leader, %s: the cure is %s', (trouble, cure) => {
  expect(judgeNoLeader(trouble)).toMatchObject({ mark: 'failure', cure: expect.stringContaining(cure) })
})
