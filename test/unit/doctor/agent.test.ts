import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { configurationIn } from '../../../src/doctor/agent/agent-answers.ts'
import { judgeClock } from '../../../src/doctor/agent/clock-inspection.ts'
import { judgeNoLeader } from '../../../src/doctor/agent/connection-inspections.ts'
import { countTo, judgeConnections } from '../../../src/doctor/agent/connections-inspection.ts'
import { judgeRoundTrip } from '../../../src/doctor/agent/round-trip.ts'
import { judgeVersion } from '../../../src/doctor/agent/version-inspection.ts'
import { breaksBy } from '../../../src/doctor/diagnosis.ts'

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

test.each([
  ['0.6.4', 'failure'],
  ['0.7.0', 'warning'],
  ['1.8.6', 'warning'],
  ['1.8.7', 'fine'],
  ['1.8.7+ent', 'fine'],
  ['v1.9.0-beta1', 'fine'],
  ['1.21.3', 'fine'],
  ['2.0.0', 'fine'],
  ['', 'warning'],
  ['new', 'warning'],
])('Consul %s: %s', (version, mark) => expect(judgeVersion(version).mark).toBe(mark))

describe('a round trip', () => {
  const usual = { ttlMs: 15_000, renewMs: 10_000 }

  test.each([
    [[1, 2, 3], usual, 'fine'],
    [[1, 2, 1500], usual, 'fine'],
    [[1, 2, 1501], usual, 'warning'],
    [[1, 375, 400], usual, 'fine'],
    [[1, 376, 400], usual, 'warning'],
    [[1, 2, 3000], usual, 'warning'],
    [[1, 2, 5000], usual, 'failure'],
    [[1, 3000, 3000], usual, 'failure'],
    [[100], { ttlMs: 10_000, renewMs: 9000 }, 'fine'],
    [[400], { ttlMs: 10_000, renewMs: 9000 }, 'warning'],
    [[1000], { ttlMs: 10_000, renewMs: 9000 }, 'failure'],
  ])('of %j ms within %j: %s', (times, timing, mark) => expect(judgeRoundTrip(times, timing).mark).toBe(mark))

  test('is told by the median and the worst', () => {
    expect(judgeRoundTrip([9, 1, 2, 3, 700], usual).said).toBe('5 reads took 3ms, 700ms at most; a renewal has 5s')
  })
})

describe('a clock', () => {
  const NOW = Date.parse('2026-11-29T12:00:00Z')

  test.each([
    [0, 'fine', 'agree'],
    [5000, 'fine', 'agree'],
    [5001, 'warning', '5s ahead of ours'],
    [300_001, 'failure', '5m ahead of ours'],
    // The date is cut to a second, and the answer takes a while.
    [-6000, 'fine', 'agree'],
    [-6100, 'warning', '5.1s behind ours'],
    [-400_000, 'failure', '6m39s behind ours'],
  ])('that is %d ms off: %s', (offMs, mark, said) => {
    const finding = judgeClock(NOW + offMs, NOW, NOW)
    expect([finding.mark, finding.said.includes(said)], finding.said).toEqual([mark, true])
  })

  test('does not count what an answer takes', () => {
    expect(judgeClock(NOW - 6000, NOW - 10_000, NOW).mark).toBe('fine')
  })

  test('can’t be told without a date', () => expect(judgeClock(Number.NaN, NOW, NOW).mark).toBe('warning'))
})

describe('connections', () => {
  test.each([
    [undefined, 3, 'warning'],
    [0, 900, 'fine'],
    [200, 3, 'fine'],
    [200, undefined, 'fine'],
    [200, 161, 'warning'],
    [200, 200, 'failure'],
    [100, 3, 'warning'],
    [8, 2, 'warning'],
    [3, 2, 'failure'],
  ])('of which %j may be had and %j are: %s', (most, used, mark) => {
    expect(judgeConnections(most, used).mark).toBe(mark)
  })

  const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2134 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:8F1C 0100007F:2134 01 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 0100007F:8F1E 0100007F:2134 06 00000000:00000000 00:00000000 00000000     0        0 3 1
   3: 0100007F:2134 0100007F:8F1C 01 00000000:00000000 00:00000000 00000000     0        0 4 1
   4: 0500000A:8F1C 0A00000A:2134 01 00000000:00000000 00:00000000 00000000     0        0 5 1
   5: 0000000000000000FFFF00000100007F:8F20 0000000000000000FFFF00000100007F:2134 01 0:0 0:0 0 0 0 6 1
`

  test.each([
    ['127.0.0.1', 8500, 2],
    ['10.0.0.10', 8500, 1],
    ['localhost', 8500, 2],
    ['127.0.0.1', 8501, 0],
  ])('to %s:%d are %d', (host, port, count) => expect(countTo(TABLE, { host, port })).toBe(count))
})

test.each([
  ['No known Consul servers', 'retry_join'],
  ['No cluster leader', 'more than half'],
])('without a leader, %s: the cure is %s', (trouble, cure) => {
  expect(judgeNoLeader(trouble)).toMatchObject({ mark: 'failure', cure: expect.stringContaining(cure) })
})

test.each([
  ['Consul at a:1 answers 429: Your IP is issuing too many concurrent connections', true],
  ['a:1 closes the connection without an answer (other side closed)', true],
  ['what answers at a:1 is not Consul: no JSON', false],
])('no answer, %s: the limit of connections is named: %s', (message, isNamed) => {
  const { mark, cure = '' } = breaksBy(new Failure('unavailable', message, { hint: 'is that its port?' }))
  expect([mark, cure.includes('http_max_conns_per_client')]).toEqual(['failure', isNamed])
})
