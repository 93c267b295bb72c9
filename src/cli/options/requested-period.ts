import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import type { Period } from '../../run/history/period.ts'
import { strftime } from '../../run/history/strftime.ts'
import { oddity, type TimeSlot } from '../../run/history/time-slot.ts'
import type { Values } from '../syntax/option.ts'
import type { PERIOD_OPTIONS } from './period-options.ts'

/** The options that say how often a command may run. */
export type PeriodValues = Pick<
  Values<typeof PERIOD_OPTIONS>,
  'once-per' | 'slot' | 'tz' | 'min-interval' | 'on-success'
>

const RULES = '--once-per, --slot or --min-interval'

/** The period that options ask for. Warns of a slot that nobody can want. Throws a `usage` failure. */
export function requestedPeriod(ctx: Context, options: PeriodValues): Period {
  const { 'once-per': oncePerMs, slot: format, tz, 'min-interval': intervalMs, 'on-success': onSuccess } = options
  if (tz !== undefined && format === undefined) {
    throw new Failure('usage', '--tz is the time zone of --slot, and there is none', {
      hint: "leave it out, or say which slots, e.g. --slot '%F'",
    })
  }
  if (oncePerMs === undefined && format === undefined && intervalMs === undefined) {
    const idle = onSuccess ? '--on-success' : '--skip-code'
    throw new Failure('usage', `${idle} is about runs that are skipped, and nothing says when to skip one`, {
      hint: `leave it out, or add ${RULES}`,
    })
  }
  const slot = format === undefined ? undefined : slotOf(ctx, format, tz ?? 'UTC')
  return { oncePerMs, slot, intervalMs, onSuccess }
}

function slotOf(ctx: Context, format: string, zone: string): TimeSlot {
  if (format.trim() === '') {
    throw new Failure('usage', '--slot is empty: the command would run once, and never again', {
      hint: "leave it out, or say which slots, e.g. --slot '%F'",
    })
  }
  const slot: TimeSlot = { format, zone, nameAt: strftime(format, zone) }
  const wrong = oddity(slot, ctx.clock.now().wallMs)
  if (wrong !== undefined) ctx.log.warn(wrong)
  return slot
}
