import { stripVTControlCharacters } from 'node:util'

/** What differs from one machine, day and run to the next, and what stands for it. */
const PLACEHOLDERS: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?Z?)?/g, 'DATE'],
  [/\d{4}-\d\d-\d\dT\d\d/g, 'SLOT'],
  [/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|…/g, 'ID'],
  [/\b(?:just now|(?:\d+(?:\.\d+)?(?:ms|[dhms]))+ ago)\b/g, 'AGO'],
  [/\b(?:\d+(?:\.\d+)?(?:ms|[dhms]))+\b/g, 'TIME'],
  [/\b(?:web|db|redis)\d\b/g, 'HOST'],
  // A bar, by its first letter.
  [/(?<= )([oFLr?])=+>?$/gm, '$1'],
  // Counts and exit codes have one digit, and are to be as they stand there.
  [/(?<=(?:fence|pid)\W+)\d+|\d{2,}/g, 'N'],
  [/[ \t]+/g, ' '],
]

/** A text's lines, with the same words for what differs each time. */
function lines(text: string): string[] {
  let plain = stripVTControlCharacters(text).replaceAll('\r', '')
  for (const [pattern, word] of PLACEHOLDERS) plain = plain.replaceAll(pattern, word)
  return plain
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** The lines of a page's text that aren't among those that were printed, in this order; the page may leave some out. */
export function missingLines(text: string, printed: string): string[] {
  const left = lines(printed)
  return lines(text).filter((line) => {
    // What is typed behind a question is none of the page's.
    const at = left.findIndex((other) => other === line || (line.endsWith('[y/N]') && other.startsWith(line)))
    if (at >= 0) left.splice(0, at + 1)
    return at < 0
  })
}
