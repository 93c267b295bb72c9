import { Failure } from '../../base/failure.ts'

/** Makes a text of an instant, in milliseconds since 1970. */
export type FormatTime = (ms: number) => string

interface WallClock {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** Ahead of UTC, in minutes. */
  readonly offset: number
  /** 0 is Sunday. */
  readonly weekday: number
  /** 1 is the first of January. */
  readonly dayOfYear: number
}

const DAY_MS = 86_400_000
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const two = (value: number) => String(value).padStart(2, '0')

/** The conversions of strftime(3) that a slot may have; words are English. */
const CONVERSIONS: Readonly<Record<string, (clock: WallClock, ms: number) => string>> = {
  Y: ({ year }) => String(year),
  y: ({ year }) => two(year % 100),
  m: ({ month }) => two(month),
  b: ({ month }) => (MONTHS[month - 1] ?? '').slice(0, 3),
  B: ({ month }) => MONTHS[month - 1] ?? '',
  d: ({ day }) => two(day),
  e: ({ day }) => String(day).padStart(2),
  j: ({ dayOfYear }) => String(dayOfYear).padStart(3, '0'),
  H: ({ hour }) => two(hour),
  I: ({ hour }) => two(hour % 12 || 12),
  p: ({ hour }) => (hour < 12 ? 'AM' : 'PM'),
  M: ({ minute }) => two(minute),
  S: ({ second }) => two(second),
  a: ({ weekday }) => (DAYS[weekday] ?? '').slice(0, 3),
  A: ({ weekday }) => DAYS[weekday] ?? '',
  u: ({ weekday }) => String(weekday || 7),
  w: ({ weekday }) => String(weekday),
  G: (clock) => String(isoWeek(clock).year),
  V: (clock) => two(isoWeek(clock).week),
  F: ({ year, month, day }) => `${year}-${two(month)}-${two(day)}`,
  R: ({ hour, minute }) => `${two(hour)}:${two(minute)}`,
  T: ({ hour, minute, second }) => `${two(hour)}:${two(minute)}:${two(second)}`,
  z: ({ offset }) =>
    `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.floor(Math.abs(offset) % 60))}`,
  s: (_, ms) => String(Math.floor(ms / 1000)),
  '%': () => '%',
}

/** Reads a format, for the wall clock of a zone of the IANA's database. Throws a `usage` failure. */
export function strftime(format: string, zone: string): FormatTime {
  const clock = wallClockOf(zone)
  for (const [conversion, letter = ''] of format.matchAll(/%(.?)/gsu)) {
    if (Object.hasOwn(CONVERSIONS, letter)) continue
    throw new Failure(
      'usage',
      `--slot ${JSON.stringify(format)} has ${JSON.stringify(conversion)} in it, which is unknown`,
      {
        hint: `known are ${Object.keys(CONVERSIONS)
          .map((known) => `%${known}`)
          .join(' ')}`,
      },
    )
  }
  return (ms) => format.replaceAll(/%(.)/gsu, (_, letter: string) => CONVERSIONS[letter]?.(clock(ms), ms) ?? '')
}

function wallClockOf(zone: string): (ms: number) => WallClock {
  const parts = formatterOf(zone)
  return (ms) => {
    const found = Object.fromEntries(parts.formatToParts(ms).map(({ type, value }) => [type, Number(value)]))
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = found
    const midnight = Date.UTC(year, month - 1, day)
    const offset = Math.round((Date.UTC(year, month - 1, day, hour, minute, second) - ms) / 60_000)
    const weekday = new Date(midnight).getUTCDay()
    const dayOfYear = (midnight - Date.UTC(year, 0, 1)) / DAY_MS + 1
    return { year, month, day, hour, minute, second, offset, weekday, dayOfYear }
  }
}

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const number = 'numeric'
  const fields = { year: number, month: number, day: number, hour: number, minute: number, second: number } as const
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...fields })
  } catch (thrown) {
    throw new Failure('usage', `--tz ${JSON.stringify(timeZone)} is no time zone that is known`, {
      hint: 'write it as Europe/Berlin, America/New_York or UTC',
      cause: thrown,
    })
  }
}

/** ISO 8601: a week belongs to the year that its Thursday is in. */
function isoWeek({ year, dayOfYear, weekday }: WallClock): { readonly year: number; readonly week: number } {
  const thursday = new Date(Date.UTC(year, 0, dayOfYear + 4 - (weekday || 7)))
  const inYear = (thursday.getTime() - Date.UTC(thursday.getUTCFullYear(), 0, 1)) / DAY_MS
  return { year: thursday.getUTCFullYear(), week: Math.floor(inYear / 7) + 1 }
}
