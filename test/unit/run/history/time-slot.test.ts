import { expect, test } from 'vitest'
import { strftime } from '../../../../src/run/history/strftime.ts'
import { oddity } from '../../../../src/run/history/time-slot.ts'

const NOW = Date.parse('2026-11-29T10:00:00Z')

test.each([
  ['%F', undefined],
  ['%Y-%m-%dT%H:%M', undefined],
  ['%G-W%V', undefined],
  ['%Y-%m', undefined],
  ['nightly', 'never changes'],
  ['100%%', 'never changes'],
  ['%T', 'changes every second'],
  ['%s', 'changes every second'],
  ['%S', 'changes every second'],
  ['%H', 'comes back'],
  ['%A', 'comes back'],
  ['%m-%d', 'comes back'],
  ['%p', 'comes back'],
])('a slot of %s is odd: %s', (format, expected) => {
  const said = oddity({ format, zone: 'UTC', nameAt: strftime(format, 'UTC') }, NOW)
  if (expected === undefined) expect(said).toBeUndefined()
  else expect(said).toContain(expected)
})

test('a slot that won’t change any more is odd, however often it did', () => {
  const nameAt = (ms: number) => String(Math.min(ms, NOW))
  expect(oddity({ format: '%s', zone: 'UTC', nameAt }, NOW)).toContain('never changes')
})
