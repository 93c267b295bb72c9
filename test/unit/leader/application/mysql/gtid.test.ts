import { expect, test } from 'vitest'
import { GtidProgress } from '../../../../../src/leader/application/mysql/gtid.ts'

const of = (...positions: string[]) => GtidProgress.of(0, ...positions)

test('the greatest number says how much there is, of our domain alone', () => {
  expect(of('0-1-100,0-2-113', '0-2-120').position).toBe(120n)
  expect(of('7-1-999, 0-1-3').position).toBe(3n)
  expect(of('', '').position).toBe(0n)
  expect(of('', '').isEmpty).toBe(true)
  expect(of('0-1-18446744073709551615').position).toBe(18446744073709551615n)
})

test('what is no GTID is refused', () => {
  expect(() => of('0-1')).toThrow('"0-1" is no GTID')
  expect(() => of('8a94f357-aab4-11df-86ab-c80aa9429562:1-5')).toThrow('is no GTID')
})

test('who has the last transaction of the noted master may lead', () => {
  const note = of('0-1-100').noteOf('n1', 0n)
  expect(note).toEqual({ node: 'n1', history: '1', position: 100n, slack: 0n, token: '0-1-100' })
  expect(of('0-1-100').shortfallOf(note)).toBeUndefined()
  expect(of('0-1-100,0-2-120').shortfallOf(note)).toBeUndefined()
  expect(of('0-1-99').shortfallOf(note)).toBe('at 99, and n1 was at 100')
  expect(of('0-1-99').shortfallOf({ ...note, slack: 1n })).toBeUndefined()
})

test('a greater number of somebody else is no proof of having it', () => {
  const note = of('0-1-100').noteOf('n1', 0n)
  expect(of('0-1-90,0-2-120').shortfallOf(note)).toContain('at 90')
  expect(of('0-2-120').shortfallOf(note)).toContain("don't go on from those of n1")
})

test('who has only the beginning of what the noted master had is short of the rest, and no more', () => {
  const note = of('0-2-13,0-1-15').noteOf('n1', 2n)
  expect(of('0-2-13').shortfallOf(note)).toBeUndefined()
  expect(of('0-2-12').shortfallOf(note)).toBe('at 12, and n1 was at 15')
  expect(of('0-2-14').shortfallOf(note)).toContain("don't go on from those of n1")
  expect(of('').shortfallOf({ ...note, slack: 1000n })).toContain("don't go on from those of n1")
})

test('a master that had nothing is owed nothing', () => {
  expect(of('').shortfallOf(of('').noteOf('n1', 0n))).toBeUndefined()
})

test('a transaction that the master lacks is found, though the master has more', () => {
  expect(of('0-1-105').lackingIn(of('0-1-100,0-2-200'))).toBe('1-105')
  expect(of('0-1-100').lackingIn(of('0-1-100,0-2-200'))).toBeUndefined()
  expect(of('0-3-1').lackingIn(of('0-1-100'))).toBe('3-1')
})

test('a clone has what came before it, though it does not know by whom', () => {
  expect(of('0-2-13,0-1-16').lackingIn(of('0-1-16,0-3-20'))).toBeUndefined()
})
