import { describe, expect, test } from 'vitest'
import type { Clock } from '../../../src/base/clock.ts'
import type { Entry } from '../../../src/consul/kv.ts'
import { LeaseAge } from '../../../src/discovery/lease-age.ts'
import { describeLease, parseLease } from '../../../src/discovery/lease-record.ts'

const record = { serviceId: 'web-1', host: 'node1', since: '2026-01-01T00:00:00.000Z', leaseMs: 5000 }

function lease(modifyIndex: number, value = JSON.stringify(record)): Entry {
  return { key: 'lease/web', value, flags: 0n, session: 's', lockIndex: 1, createIndex: 1, modifyIndex }
}

function machine() {
  const now = { monotonicMs: 1000, bootMs: 1000, wallMs: 0 }
  const clock = { now: () => ({ ...now }) } as Clock
  return { now, age: new LeaseAge(clock, 60_000) }
}

describe('a contender', () => {
  test('counts a lease from when it saw it first', () => {
    const { now, age } = machine()
    expect(age.overdueInMs(lease(7))).toBe(5000)
    now.monotonicMs += 4000
    expect(age.overdueInMs(lease(7))).toBe(1000)
    now.monotonicMs += 1000
    expect(age.overdueInMs(lease(7))).toBe(0)
  })

  test('counts anew when the lease has changed hands, or was taken again', () => {
    const { now, age } = machine()
    age.overdueInMs(lease(7))
    now.monotonicMs += 4900
    expect(age.overdueInMs(lease(8))).toBe(5000)
  })

  test('ends no lease because somebody set the clock on the wall', () => {
    const { now, age } = machine()
    age.overdueInMs(lease(7))
    now.wallMs += 3_600_000
    expect(age.overdueInMs(lease(7))).toBe(5000)
  })

  test('gives a lease that does not tell its length the one that it would take itself', () => {
    expect(machine().age.overdueInMs(lease(7, 'by hand'))).toBe(60_000)
  })
})

describe('a lease’s record', () => {
  test('is what was written', () => expect(parseLease(JSON.stringify(record))).toEqual(record))
  test.each([
    '',
    'web-1',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...record, leaseMs: 0 }),
    JSON.stringify({ ...record, host: 1 }),
  ])('%j is none', (value) => expect(parseLease(value)).toBeUndefined())
  test('is a half sentence', () => {
    const nowMs = Date.parse(record.since) + 1500
    expect(describeLease(record, nowMs)).toBe('web-1 on node1 has had it for 1.5s of at most 5s')
    expect(describeLease(record, 0)).toBe('web-1 on node1 has had it for 0ms of at most 5s')
    expect(describeLease({ ...record, since: '', host: 'a\n\x1b[31mb' }, 0)).toBe(
      'web-1 on a [31mb has had it for some time of at most 5s',
    )
    expect(describeLease(undefined, 0)).toBe('someone has it who left no name')
  })
})
