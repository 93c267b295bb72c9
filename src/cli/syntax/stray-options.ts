import { Failure } from '../../base/failure.ts'

/**
 * Throws a `usage` failure for an option that means something to other words of a command, but not to this one:
 * `partial` are those that not all words take, `taken` those that this one does.
 */
export function checkNoStrayOption(
  word: string,
  options: Readonly<Record<string, unknown>>,
  partial: readonly string[],
  taken: readonly string[],
): void {
  const isGiven = (name: string) => options[name] !== undefined && options[name] !== false
  const stray = partial.find((name) => isGiven(name) && !taken.includes(name))
  if (stray !== undefined) throw new Failure('usage', `${word} takes no --${stray}`)
}
