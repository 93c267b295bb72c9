import { expect, test } from 'vitest'
import { guardianArguments, hundredths } from '../../../src/child/guardian-arguments.ts'

test('a guardian’s shell takes its script from its environment, and is told the rest', () => {
  const terms = { signal: 'SIGINT', graceMs: 10_000, orphanLookMs: 60_000, release: ['me', ':release'] } as const
  expect(guardianArguments(terms)).toEqual([
    '-c',
    'eval "$CONSUL_LOCKER_GUARDIAN"',
    'consul-locker-guardian',
    'INT',
    '1000',
    '6000',
    'me',
    ':release',
  ])
})

test.each([
  [0, 0],
  [-50, 0],
  [4, 0],
  [5, 1],
  [1234, 123],
])('%d milliseconds are %d hundredths of a second', (ms, expected) => {
  expect(hundredths(ms)).toBe(expected)
})
