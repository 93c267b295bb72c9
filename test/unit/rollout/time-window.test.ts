import { describe, expect, test } from 'vitest'
import { parseTimeWindow, shutWindows } from '../../../src/rollout/time-window.ts'

const WEEKDAYS = 'Mon-Fri 09:00-16:00'
const NIGHTS = 'Fri-Sat 22:00-04:00'

/** 2026-05-01 is a Friday. Berlin is two hours ahead of UTC in summer, one in winter, New York four and five behind. */
const CASES: [window: string, now: string, opens: string | undefined][] = [
  [WEEKDAYS, '2026-05-01T09:00:00Z', undefined],
  [WEEKDAYS, '2026-05-01T15:59:59Z', undefined],
  [WEEKDAYS, '2026-05-01T16:00:00Z', 'Mon 09:00'],
  [WEEKDAYS, '2026-05-03T12:00:00Z', 'Mon 09:00'],
  [WEEKDAYS, '2026-05-04T08:59:59Z', 'Mon 09:00'],
  [WEEKDAYS, '2026-05-04T17:00:00Z', 'Tue 09:00'],
  [`${WEEKDAYS} Europe/Berlin`, '2026-05-01T07:00:00Z', undefined],
  [`${WEEKDAYS} Europe/Berlin`, '2026-05-01T14:00:00Z', 'Mon 09:00'],
  [`${WEEKDAYS} Europe/Berlin`, '2026-01-02T07:00:00Z', 'Fri 09:00'],
  [`${WEEKDAYS} Europe/Berlin`, '2026-01-02T08:00:00Z', undefined],
  [`${WEEKDAYS} America/New_York`, '2026-05-02T03:00:00Z', 'Mon 09:00'],
  [NIGHTS, '2026-05-01T21:59:00Z', 'Fri 22:00'],
  [NIGHTS, '2026-05-01T22:00:00Z', undefined],
  [NIGHTS, '2026-05-02T03:59:00Z', undefined],
  [NIGHTS, '2026-05-02T04:00:00Z', 'Sat 22:00'],
  [NIGHTS, '2026-05-03T03:59:00Z', undefined],
  [NIGHTS, '2026-05-03T22:00:00Z', 'Fri 22:00'],
  ['Sun 23:00-01:00', '2026-05-04T00:30:00Z', undefined],
  ['Sun 23:00-01:00', '2026-05-04T01:00:00Z', 'Sun 23:00'],
  ['Sat-Mon 10:00-11:00', '2026-05-03T10:30:00Z', undefined],
  ['Tue,Thu 10:00-11:00', '2026-05-06T10:30:00Z', 'Thu 10:00'],
  ['09:00-16:00', '2026-05-03T10:00:00Z', undefined],
  ['sun 00:00-24:00', '2026-05-03T23:59:59Z', undefined],
  ['sun 00:00-24:00', '2026-05-04T00:00:00Z', 'Sun 00:00'],
  // The table of kubereboot/kured#204: a window that ends on the next day.
  ['Mon-Fri 21:00-05:00 America/Los_Angeles', '2019-04-04T00:49:00-07:00', undefined],
  ['Mon-Fri 21:00-05:00 America/Los_Angeles', '2019-04-04T22:49:00-07:00', undefined],
  ['Mon-Fri 21:00-05:00 America/Los_Angeles', '2019-04-05T08:59:00-07:00', 'Fri 21:00'],
  ['Mon-Fri 21:00-05:00 America/Los_Angeles', '2019-03-31T10:00:00-07:00', 'Mon 21:00'],
  // In the night to 29 March clocks in Berlin go from 2:00 to 3:00; in that to 25 October from 3:00 back to 2:00.
  ['02:00-02:30 Europe/Berlin', '2026-03-29T01:10:00Z', 'Mon 02:00'],
  ['02:00-02:30 Europe/Berlin', '2026-10-25T00:10:00Z', undefined],
  ['02:00-02:30 Europe/Berlin', '2026-10-25T01:10:00Z', undefined],
]

describe('a window', () => {
  test.each(CASES)('%s, at %s, opens %s', (text, now, opens) => {
    const window = parseTimeWindow(text)
    const shut = shutWindows(window ? [window] : [], Date.parse(now))
    expect(shut && /\(opens (.*)\)$/.exec(shut)?.[1]).toBe(opens)
    expect(window).toBeDefined()
  })

  test.each([
    '',
    'always',
    '9:00-16:00',
    '09:00',
    '09:00-09:00',
    '24:00-10:00',
    '09:00-24:01',
    '09:60-10:00',
    'Mon-Fri',
    'Mon-Fri-Sun 09:00-16:00',
    'Mon-Foo 09:00-16:00',
    'Mon, 09:00-16:00',
    '09:00-16:00 Mon-Fri',
    '09:00-16:00 Europe/Berlyn',
    '09:00-16:00 local time',
  ])('%j is none', (text) => {
    expect(parseTimeWindow(text)).toBeUndefined()
  })

  test('is one of several, and the next one counts', () => {
    const windows = [WEEKDAYS, 'Sat 10:00-12:00']
      .map((text) => parseTimeWindow(text))
      .filter((one) => one !== undefined)
    expect(shutWindows(windows, Date.parse('2026-05-02T11:00:00Z'))).toBeUndefined()
    expect(shutWindows(windows, Date.parse('2026-05-01T20:00:00Z'))).toBe(
      'Mon-Fri 09:00-16:00 UTC, Sat 10:00-12:00 UTC (opens Sat 10:00)',
    )
  })

  test('is none when the file has none', () => {
    expect(shutWindows([], 0)).toBeUndefined()
  })
})
