import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../src/consul/kv.ts'
import { LOCK_FLAGS } from '../../../src/lock/lock-keys.ts'
import { ownSteps, reservationIn, reservedFor, reserveStep } from '../../../src/lock/reservation.ts'

const entry = (value: string, session?: string): Entry => ({
  key: 'slots/1',
  value,
  flags: LOCK_FLAGS,
  session,
  lockIndex: 1,
  createIndex: 1,
  modifyIndex: 2,
})

describe('a slot', () => {
  test('is kept by the step that lets its session go, for whom it names', () => {
    const step = reserveStep('slots/1', 'a', 'web1', { host: 'web1', pid: 4 })
    expect(step).toMatchObject({ verb: 'unlock', key: 'slots/1', session: 'a', flags: LOCK_FLAGS })
    expect(JSON.parse(step.value ?? '')).toEqual({ host: 'web1', pid: 4, reservedFor: 'web1' })
    expect(reservedFor(entry(step.value ?? ''))).toBe('web1')
  })

  test('says for whom it is kept while a session holds it, too, until that writes its record', () => {
    expect(reservationIn('{"reservedFor":"web1"}')).toBe('web1')
    const [check, write] = ownSteps({ key: 'slots/1', sessionId: 'a', value: '{"host":"web1"}' })
    expect(check).toEqual({ verb: 'check-session', key: 'slots/1', session: 'a' })
    expect(write).toEqual({ verb: 'set', key: 'slots/1', value: '{"host":"web1"}', flags: LOCK_FLAGS })
    expect(reservationIn(write?.value ?? '')).toBeUndefined()
  })

  test.each([
    ['a session holds it', '{"reservedFor":"web1"}', 'a'],
    ['nobody is named', '{"reservedFor":""}', undefined],
    ['what is named is no name', '{"reservedFor":5}', undefined],
    ['the value is nothing', '', undefined],
    ['the value is null', 'null', undefined],
    ['the value is no record', '[{"reservedFor"', undefined],
    ['the value is as long as a book', JSON.stringify({ reservedFor: 'web1', note: 'w'.repeat(8192) }), undefined],
  ])('is kept for nobody when %s', (_, value, session) => {
    expect(reservedFor(entry(value, session))).toBeUndefined()
  })

  test('may be kept by a record of 8192 characters', () => {
    const [head, tail] = ['{"note":"', '","reservedFor":"web1"}']
    expect(reservedFor(entry(head + 'w'.repeat(8192 - head.length - tail.length) + tail))).toBe('web1')
  })
})
