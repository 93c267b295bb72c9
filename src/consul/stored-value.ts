import * as v from 'valibot'

/** Nothing that we keep at one key is longer; nobody reads on. In characters. */
const LONGEST = 262_144

/** A text of what is stored: a name, a sentence, an address. */
export const storedText = v.pipe(v.string(), v.maxLength(1024))

/** An instant that is stored, as an ISO date. */
export const storedInstant = v.pipe(
  storedText,
  v.check((text) => !Number.isNaN(Date.parse(text))),
)

/**
 * The value of a key as a JSON object of this shape; `undefined` when it is anything else: whoever may write the key
 * has written it. Never throws.
 */
export function storedAs<T>(shape: v.GenericSchema<unknown, T>, value: string): T | undefined {
  if (value.length > LONGEST) return undefined
  try {
    const json: unknown = JSON.parse(value)
    // For valibot, a list is an object with nothing in it.
    if (Array.isArray(json)) return undefined
    const { success, output } = v.safeParse(shape, json, { abortEarly: true })
    return success ? output : undefined
  } catch {
    return undefined
  }
}
