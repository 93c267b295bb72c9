import { describe, expect, test } from 'vitest'
import { parseWallTime } from '../../../src/base/wall-time.ts'

const NOW = Date.parse('2026-11-29T08:30:00Z')

describe('an instant of the wall clock', () => {
  test.each([
    ['2026-11-30T03:00Z', '2026-11-30T03:00:00.000Z'],
    ['2026-11-30 03:00Z', '2026-11-30T03:00:00.000Z'],
    ['2026-11-30T03:00:07Z', '2026-11-30T03:00:07.000Z'],
    ['2026-11-30T03:00+01:00', '2026-11-30T02:00:00.000Z'],
    ['2020-02-29T23:59-05:30', '2020-03-01T05:29:00.000Z'],
  ])('%s is %s', (text, iso) => {
    expect(new Date(parseWallTime(text, NOW) ?? Number.NaN).toISOString()).toBe(iso)
  })

  test("without a zone is one of this machine's", () => {
    expect(parseWallTime('2026-11-30T03:00', NOW)).toBe(new Date(2026, 10, 30, 3, 0).getTime())
  })

  test.each([0, 6, 12, 18, 23])('of which only the hour is named (%i) is the next one', (hour) => {
    const at = parseWallTime(`${String(hour).padStart(2, '0')}:30`, NOW) ?? Number.NaN
    expect([new Date(at).getHours(), new Date(at).getMinutes()]).toEqual([hour, 30])
    expect(at).toBeGreaterThan(NOW)
    expect(at - NOW).toBeLessThanOrEqual(25 * 3_600_000)
  })

  test.each([
    '',
    'tomorrow',
    '24:00',
    '12:60',
    '3:00',
    '2026-11-30',
    '2026-02-30T03:00Z',
    '2026-13-01T03:00Z',
    '1769000000',
  ])('is not %s', (text) => {
    expect(parseWallTime(text, NOW)).toBeUndefined()
  })
})
