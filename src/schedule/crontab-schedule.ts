import { Failure } from '../base/failure.ts'

/** One of the five fields, with the numbers it takes. */
interface Field {
  readonly name: string
  readonly least: number
  readonly most: number
  readonly words?: readonly string[]
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** As crontab(5) has them. */
const FIELDS: readonly Field[] = [
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day of the month', least: 1, most: 31 },
  { name: 'month', least: 1, most: 12, words: MONTHS },
  { name: 'day of the week', least: 0, most: 7, words: DAYS },
]

const NICKNAMES = ['@reboot', '@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']
const HINT = "minute, hour, day, month and day of the week: --schedule '7 * * * *', or @hourly"

/**
 * Checks a schedule: cron leaves a whole file out for one bad line in it, and tells nobody but the system's log.
 * Returns it with one blank between its fields. Throws a `usage` failure.
 */
export function checkedSchedule(schedule: string): string {
  const fields = schedule.trim().split(/[ \t]+/)
  if (fields.length === 1 && NICKNAMES.includes(fields[0] ?? '')) return schedule.trim()
  if (fields.length !== FIELDS.length) {
    throw new Failure('usage', `the schedule ${JSON.stringify(schedule)} has no five fields`, { hint: HINT })
  }
  for (const [at, field] of FIELDS.entries()) {
    const text = fields[at] ?? ''
    if (text.split(',').every((part) => isPart(part, field))) continue
    throw new Failure('usage', `the schedule's ${field.name} is ${JSON.stringify(text)}`, { hint: HINT })
  }
  return fields.join(' ')
}

/** `*`, `5`, `mon`, `1-5`, and a step behind a range: `*∕15`. */
function isPart(part: string, field: Field): boolean {
  const [, all, from = '', to, step] = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(part) ?? []
  if (step !== undefined && (Number(step) === 0 || (all === undefined && to === undefined))) return false
  if (all !== undefined) return true
  const [first, last] = [numberOf(from, field), numberOf(to ?? from, field)]
  return first >= field.least && last <= field.most && first <= last
}

function numberOf(text: string, { least, words = [] }: Field): number {
  const at = words.indexOf(text.toLowerCase())
  if (at >= 0) return at + least
  return /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
}
