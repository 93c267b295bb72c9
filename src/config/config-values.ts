import * as v from 'valibot'
import { parseDuration } from '../base/duration.ts'

const DURATION = 'a duration as 90s, 1.5m or 2h'

/** A duration, in milliseconds; a plain number is seconds. */
export const durationValue = v.pipe(
  v.union([v.string(), v.number()], DURATION),
  v.transform(String),
  v.check((text) => parseDuration(text) !== undefined, DURATION),
  v.transform((text) => parseDuration(text) ?? 0),
)

const TIME_LIMIT = 'a time longer than 0, as 90s, 1.5m or 2h'

/** The longest that something may take, in milliseconds: no time at all would have it end at once. */
export const timeLimitValue = v.pipe(
  durationValue,
  v.check((ms) => ms > 0, TIME_LIMIT),
)

/** A name without blanks or slashes. `what` says what is expected. */
export const wordValue = (what: string) => v.pipe(v.string(what), v.regex(/^[A-Za-z0-9._@:-]+$/, what))

/** Any text but none. `what` says what is expected. */
export const textValue = (what: string) => v.pipe(v.string(what), v.nonEmpty(what))

/** An absolute file name. */
export const fileValue = v.pipe(v.string('an absolute file name'), v.startsWith('/', 'an absolute file name'))

/** Words of a command, which no shell sees. `what` says what is expected. */
export const wordsValue = (what: string) => v.pipe(v.array(textValue(what), what), v.minLength(1, what))

const TABLE = 'keys with values'

/** Values under keys that the file chooses. For valibot alone, a list would be such a table. */
export const tableValue = <Value extends v.GenericSchema>(key: v.GenericSchema<string, string>, value: Value) =>
  v.pipe(
    v.custom<Record<string, v.InferInput<Value>>>((input) => !Array.isArray(input), TABLE),
    v.record(key, value, TABLE),
  )

/** How to reach Consul, for files that stand on their own; options and environment come before. */
export const consulValue = v.optional(
  v.strictObject({
    http_addr: v.optional(textValue('the address of a Consul agent')),
    token_file: v.optional(fileValue),
    ca_file: v.optional(fileValue),
  }),
  {},
)
