import { describe, expect, test } from 'vitest'
import { strftime } from '../../../../src/run/history/strftime.ts'

describe('a slot', () => {
  test.each([
    ['%F', 'UTC', '2026-11-29T23:30:00Z', '2026-11-29'],
    ['%F', 'Europe/Berlin', '2026-11-29T23:30:00Z', '2026-11-30'],
    ['%Y-%m-%dT%H', 'America/New_York', '2026-11-29T04:00:00Z', '2026-11-28T23'],
    ['%G-W%V', 'UTC', '2027-01-03T12:00:00Z', '2026-W53'],
    ['%G-W%V', 'UTC', '2026-12-28T12:00:00Z', '2026-W53'],
    ['%G-W%V', 'UTC', '2024-12-30T12:00:00Z', '2025-W01'],
    [
      '%y%j %e %b %B %a %A %u %w %I %p %M %S %R %T %s %%',
      'UTC',
      '2026-03-01T15:04:05Z',
      '26060  1 Mar March Sun Sunday 7 0 03 PM 04 05 15:04 15:04:05 1772377445 %',
    ],
    ['%H%z', 'Asia/Kolkata', '2026-11-29T00:00:00Z', '05+0530'],
    ['%z', 'America/St_Johns', '2026-11-29T00:00:00Z', '-0330'],
    ['%z', 'UTC', '2026-11-29T00:00:00Z', '+0000'],
    ['%I %p', 'UTC', '2026-11-29T00:10:00Z', '12 AM'],
    ['%I %p', 'UTC', '2026-11-29T12:10:00Z', '12 PM'],
  ])('of %s in %s at %s is %s', (format, zone, at, name) => {
    expect(strftime(format, zone)(Date.parse(at))).toBe(name)
  })

  test('by the hour comes twice when summer time ends, unless the offset is in it', () => {
    const [first, second] = ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'].map(Date.parse) as [number, number]
    const hour = strftime('%FT%H', 'Europe/Berlin')
    expect([hour(first), hour(second)]).toEqual(['2026-10-25T02', '2026-10-25T02'])
    const offset = strftime('%FT%H%z', 'Europe/Berlin')
    expect([offset(first), offset(second)]).toEqual(['2026-10-25T02+0200', '2026-10-25T02+0100'])
    const utc = strftime('%FT%H', 'UTC')
    expect(utc(first)).not.toBe(utc(second))
  })

  test.each([
    ['%Q', 'UTC', 'has "%Q" in it', '%Y %y %m'],
    ['%F %', 'UTC', 'has "%" in it', '%Y %y %m'],
    ['%F', 'Mars/Phobos', 'no time zone that is known', 'Europe/Berlin'],
    ['%F', '', 'no time zone that is known', 'Europe/Berlin'],
  ])('of %s in %j is refused in words', (format, zone, sentence, hint) => {
    const [message, way] = [sentence, hint].map((text) => expect.stringContaining(text))
    expect(() => strftime(format, zone)).toThrow(expect.objectContaining({ code: 'usage', message, hint: way }))
  })
})
