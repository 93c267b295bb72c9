import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../../src/consul/kv.ts'
import { holderRecord } from '../../../../src/lock/holder-record.ts'
import { LOCK_FLAGS } from '../../../../src/lock/lock-keys.ts'
import { carriedIn, runIn, unendedRuns } from '../../../../src/run/history/unended-runs.ts'

const SINCE = Date.parse('2026-11-28T23:00:59.602Z')
const holder = (runId: string) => ({ host: 'web3', pid: 812, user: 'root', command: ['./report.sh'], runId })
const recordOf = (runId: string, more: object = {}) => holderRecord(holder(runId), { lockDelayMs: 24_000 }, SINCE, more)
const run = (runId: string, about: object = {}) => ({
  runId,
  host: 'web3',
  user: 'root',
  command: './report.sh',
  start: '2026-11-28T23:00:59.602Z',
  ...about,
})
const seen = (value: string, session?: string): Entry => ({
  key: 'consul-locker-a',
  value,
  session,
  flags: LOCK_FLAGS,
  lockIndex: 1,
  createIndex: 1,
  modifyIndex: 1,
})
const OWN = { lockKey: 'consul-locker-a', runId: 'own' }
const lost = (runId: string) => run(runId, { lost: 'unknown' })

describe('the runs that never gave their lock back', () => {
  test.each<[string, Entry | undefined, object[]]>([
    ['of no key there are none', undefined, []],
    ['of a lock that is held there are none', seen(recordOf('one'), 'a-session'), []],
    ['a key that nobody holds tells of its last holder', seen(recordOf('one')), [lost('one')]],
    ['and of those before it', seen(recordOf('two', { unended: [lost('one')] })), [lost('one'), lost('two')]],
    ['our own claim carries on what it carried', seen(recordOf('own', { unended: [lost('one')] }), 's'), [lost('one')]],
    ['and is none itself, if its session died before it ran', seen(recordOf('own')), []],
    [
      'nor when others had it since',
      seen(recordOf('two', { unended: [lost('own'), lost('one')] })),
      [lost('one'), lost('two')],
    ],
    ['a lock without a command is no run', seen(recordOf('one', { kept: true })), []],
    ['but carries on', seen(recordOf('two', { kept: true, unended: [lost('one')] })), [lost('one')]],
    ['a host name, as the Bash original leaves it, tells of none', seen('web3'), []],
    ['another lock tells of others', { ...seen(recordOf('one')), key: 'consul-locker-b' }, []],
    ['nor does rubbish', seen('{"runId":7,"unended":{"length":1e9}}'), []],
  ])('%s', (_, entry, expected) => expect(unendedRuns(entry, OWN)).toEqual(expected))

  test('are five at most, the newest', () => {
    const before = ['1', '2', '3', '4', '5'].map(lost)
    expect(unendedRuns(seen(recordOf('6', { unended: before })), OWN).map(({ runId }) => runId)).toEqual([
      '2',
      '3',
      '4',
      '5',
      '6',
    ])
  })

  test('are five at most where somebody left more', () => {
    const left = JSON.stringify({ unended: ['1', '2', '3', '4', '5', '6'].map(lost) })
    expect(carriedIn(left).map(({ runId }) => runId)).toEqual(['2', '3', '4', '5', '6'])
  })

  test.each([...['', '[]', '{}', '{"unended":[{}]}'], JSON.stringify({ unended: [lost('1')], x: 'y'.repeat(8192) })])(
    'are not in %.30s',
    (value) => {
      expect(carriedIn(value)).toEqual([])
    },
  )

  test('are told of in short, and printable', () => {
    const long = holderRecord(
      { ...holder('x'), host: '\u001b[1m', user: 'u'.repeat(99), command: ['c'.repeat(99), 'd'] },
      { lockDelayMs: 1 },
      SINCE,
    )
    expect(runIn(long)).toEqual(run('x', { host: '[1m', user: `${'u'.repeat(63)}…`, command: `${'c'.repeat(79)}…` }))
    expect(runIn(recordOf('y'.repeat(64)))).toEqual(run('y'.repeat(64)))
    expect(runIn(recordOf('y'.repeat(65)))).toBeUndefined()
  })

  test.each(['host', 'user', 'command', 'runId', 'since'])('are none where nothing tells of the %s', (field) => {
    expect(runIn(JSON.stringify({ ...JSON.parse(recordOf('one')), [field]: undefined }))).toBeUndefined()
  })
})
