import { Failure } from '../../base/failure.ts'

/** Throws a `usage` failure for words that a command has no use for. */
export function checkNoWords(words: readonly string[], hint: string): void {
  const [extra] = words
  if (extra !== undefined) throw new Failure('usage', `${JSON.stringify(extra)} is one word too many`, { hint })
}
