/** A window of time, as wide as a timeline. */
export interface Scale {
  readonly fromMs: number
  readonly toMs: number
}

/** A line across the timeline, with its label. */
export interface Tick {
  readonly atMs: number
  readonly label: string
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const STEPS = [
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
]

/** Where an instant stands, from 0 at the left to 100 at the right, and beyond. */
export function percent({ fromMs, toMs }: Scale, atMs: number): number {
  return ((atMs - fromMs) / (toMs - fromMs)) * 100
}

/** Round times of this machine's day, as many as `most`. */
export function ticksOf({ fromMs, toMs }: Scale, most: number): Tick[] {
  const step = STEPS.find((step) => (toMs - fromMs) / step <= most) ?? 2 * DAY
  const midnight = new Date(fromMs).setHours(0, 0, 0, 0)
  const ticks: Tick[] = []
  for (let at = midnight + Math.ceil((fromMs - midnight) / step) * step; at < toMs; at += step) {
    // The day on which clocks change isn't 24 hours long.
    const atMs = step >= DAY ? new Date(at + HOUR * 2).setHours(0, 0, 0, 0) : at
    ticks.push({ atMs, label: labelOf(new Date(atMs), step) })
  }
  return ticks
}

function labelOf(at: Date, step: number): string {
  const isMidnight = at.getHours() === 0 && at.getMinutes() === 0
  if (step >= DAY || isMidnight) return `${at.toLocaleDateString([], { weekday: 'short' })} ${at.getDate()}`
  return at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false })
}
