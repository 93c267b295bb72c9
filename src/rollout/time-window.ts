const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const
const DAY_MINUTES = 1440
const WEEK_MINUTES = 7 * DAY_MINUTES
const WINDOW = /^(?:(?<days>[a-z,-]+) +)?(?<from>\d\d:\d\d)-(?<to>\d\d:\d\d)(?: +(?<zone>\S+))?$/i

/** A time in every week, at the wall clocks of a zone. */
export interface TimeWindow {
  /** For people, with the zone. */
  readonly text: string
  /** As the IANA's database calls it. */
  readonly zone: string
  /** When it opens, in minutes since Monday's first. */
  readonly opensAt: readonly number[]
  /** In minutes, a day at most. */
  readonly length: number
}

/**
 * Reads `Mon-Fri 09:00-16:00`, with a zone behind it where that isn't UTC; without days it is every day's. A window
 * that ends before it begins ends on the next day. `undefined` when it is none, or nobody knows the zone.
 */
export function parseTimeWindow(text: string): TimeWindow | undefined {
  const { days: dayText, from = '', to = '', zone = 'UTC' } = WINDOW.exec(text.trim())?.groups ?? {}
  const days = dayText === undefined ? DAYS.map((_, day) => day) : daysIn(dayText)
  const begin = minuteIn(from)
  const end = minuteIn(to)
  if (days === undefined || begin === undefined || end === undefined) return undefined
  if (begin === end || begin === DAY_MINUTES || !isZone(zone)) return undefined
  return {
    text: `${dayText === undefined ? '' : `${dayText} `}${from}-${to} ${zone}`,
    zone,
    opensAt: days.map((day) => day * DAY_MINUTES + begin),
    length: end > begin ? end - begin : end - begin + DAY_MINUTES,
  }
}

/**
 * Which windows are shut, and when one opens; `undefined` while one is open, or when there are none. `nowMs` is in
 * milliseconds since 1970. What is compared are the wall clocks of the zone: an hour that summer time repeats counts
 * twice, and one that it skips never comes.
 */
export function shutWindows(windows: readonly TimeWindow[], nowMs: number): string | undefined {
  const [first, ...others] = windows.map((window) => ({ window, ...nextOpening(window, nowMs) }))
  if (first === undefined || [first, ...others].some(({ isOpen }) => isOpen)) return undefined
  const next = others.reduce((one, other) => (other.inMinutes < one.inMinutes ? other : one), first)
  return `${windows.map(({ text }) => text).join(', ')} (opens ${clockTime(next.at)})`
}

function nextOpening({ zone, opensAt, length }: TimeWindow, nowMs: number) {
  const now = minuteOfWeek(zone, nowMs)
  const isOpen = opensAt.some((at) => modulo(now - at) < length)
  const [next = { at: 0, inMinutes: 0 }] = opensAt
    .map((at) => ({ at, inMinutes: modulo(at - now) }))
    .sort((one, other) => one.inMinutes - other.inMinutes)
  return { isOpen, ...next }
}

function modulo(minutes: number): number {
  return ((minutes % WEEK_MINUTES) + WEEK_MINUTES) % WEEK_MINUTES
}

/** `Mon 09:00` */
function clockTime(minute: number): string {
  const part = (value: number) => String(value).padStart(2, '0')
  const inDay = minute % DAY_MINUTES
  return `${DAYS[Math.floor(minute / DAY_MINUTES)]} ${part(Math.floor(inDay / 60))}:${part(inDay % 60)}`
}

/** `Mon-Fri`, `Sat,Sun`, `Fri-Mon`: in the order of the week. */
function daysIn(text: string): number[] | undefined {
  const ranges = text.split(',').map((range) => {
    const [from, to, ...rest] = range.split('-').map(dayOf)
    if (from === undefined || from < 0 || rest.length > 0) return undefined
    if (to === undefined) return [from]
    return to < 0 ? undefined : Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, n) => (from + n) % 7)
  })
  return ranges.every((range) => range !== undefined) ? [...new Set(ranges.flat())].sort() : undefined
}

function dayOf(name: string): number {
  return DAYS.findIndex((day) => day.toLowerCase() === name.toLowerCase())
}

/** `24:00` is the end of a day. */
function minuteIn(text: string): number | undefined {
  const [hour = Number.NaN, minute = Number.NaN] = text.split(':').map(Number)
  const minutes = hour * 60 + minute
  return minute < 60 && minutes <= DAY_MINUTES ? minutes : undefined
}

function isZone(zone: string): boolean {
  try {
    wallClock(zone)
    return true
  } catch {
    return false
  }
}

function minuteOfWeek(zone: string, nowMs: number): number {
  const parts = new Map(
    wallClock(zone)
      .formatToParts(nowMs)
      .map(({ type, value }) => [type, value]),
  )
  const day = dayOf(parts.get('weekday') ?? '')
  return day * DAY_MINUTES + Number(parts.get('hour')) * 60 + Number(parts.get('minute'))
}

/** Each is made once: to make one takes longer than to look at it for a whole fleet. */
const clocks = new Map<string, Intl.DateTimeFormat>()

function wallClock(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  clocks.set(timeZone, made)
  return made
}
