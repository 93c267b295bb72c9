import type { Syntax } from '../syntax/command-syntax.ts'
import { flag, option, type Values } from '../syntax/option.ts'
import { duration, exitCode, period } from '../syntax/values.ts'

/** How often a command may run in the whole fleet. */
export const PERIOD_OPTIONS = {
  'once-per': option('Periods:', 'TIME', 'skip it if it started less than this ago, e.g. 50m', period),
  slot: option('Periods:', 'FORMAT', "skip it if it ran in this slot, e.g. '%FT%H'"),
  tz: option('Periods:', 'ZONE', 'the time zone of slots (UTC), e.g. Europe/Berlin'),
  'min-interval': option('Periods:', 'TIME', 'skip it if its last run ended less than this ago', period),
  'on-success': flag('Periods:', 'of earlier runs only successes count'),
  'skip-code': option('Periods:', 'N', 'exit with this code instead of 0 when skipping', exitCode),
  'hold-at-least': option('Periods:', 'TIME', 'keep the lock this long, also when the command is quick', duration),
}

/** Which of them can't be wanted together, or with others: a period is a matter of one run at a time. */
export const PERIOD_CONTRADICTIONS: NonNullable<Syntax['contradictions']> = [
  ['once-per', 'slot'],
  ...['once-per', 'slot', 'min-interval'].flatMap((rule) => [[rule, 'slots'] as const, [rule, 'shared'] as const]),
]

const ABOUT_PERIODS = ['once-per', 'slot', 'tz', 'min-interval', 'on-success', 'skip-code'] as const

/** Whether any option says how often the command may run, or means to. */
export function isPeriodic(options: Values<typeof PERIOD_OPTIONS>): boolean {
  return ABOUT_PERIODS.some((name) => options[name] !== undefined && options[name] !== false)
}
