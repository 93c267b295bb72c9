import * as v from 'valibot'
import { formatDuration } from '../base/duration.ts'
import { oneLine } from '../base/printable.ts'
import type { Entry } from '../consul/kv.ts'
import { storedAs, storedInstant, storedText } from '../consul/stored-value.ts'

/** Nobody pauses for longer: what says so is a mistake, or a machine whose clock is one. */
export const LONGEST_PAUSE_MS = 30 * 24 * 3_600_000

/**
 * What is over for so long may be cleared away. Not at once: a machine whose clock is ahead would end the pause for all
 * others.
 */
const STALE_MS = 3_600_000

/** So much of a reason is kept, and told. In characters. */
export const REASON_LENGTH = 200
const WHO_LENGTH = 60

/** A pause as it is stored. Whether it is over is for each machine's wall clock to say. */
export const PAUSE = v.object({
  until: storedInstant,
  since: storedInstant,
  /** Who paused, for people: `root@web1`. */
  by: storedText,
  reason: v.optional(storedText),
})

export type Pause = v.InferOutput<typeof PAUSE>

/**
 * What a pause's key says now: nothing; a pause that is over, or stale; one that is on, with its end in milliseconds
 * since 1970; or one without an end that can be read. Somebody has meant to pause then, and that lasts until somebody
 * else ends it.
 */
export type PauseState =
  | { readonly kind: 'none' }
  | { readonly kind: 'over'; readonly pause: Pause; readonly isStale: boolean }
  | { readonly kind: 'on'; readonly pause: Pause | undefined; readonly untilMs: number }

/** What a pause's key says at this time of this machine's wall clock. */
export function pauseStateOf(entry: Entry | undefined, nowMs: number): PauseState {
  if (!entry) return { kind: 'none' }
  const pause = storedAs(PAUSE, entry.value)
  const untilMs = pause ? Date.parse(pause.until) : Number.POSITIVE_INFINITY
  if (!pause || untilMs > nowMs + LONGEST_PAUSE_MS) {
    return { kind: 'on', pause: undefined, untilMs: Number.POSITIVE_INFINITY }
  }
  if (untilMs > nowMs) return { kind: 'on', pause, untilMs }
  return { kind: 'over', pause, isStale: untilMs + STALE_MS <= nowMs }
}

/** `until 2026-11-28T23:00:00Z (1h59m more) by root@web1: database upgrade`. */
export function describePause({ until, by, reason }: Pause, nowMs: number): string {
  const leftMs = Math.max(0, Date.parse(until) - nowMs)
  const why = reason === undefined ? '' : `: ${oneLine(reason, REASON_LENGTH)}`
  return `until ${instant(until)} (${formatDuration(leftMs)} more) by ${oneLine(by, WHO_LENGTH)}${why}`
}

/** An instant as people read it, to the second. */
export function instant(text: string): string {
  return new Date(text).toISOString().replace(/\.\d+Z$/, 'Z')
}
