const QUOTED = 40

/** What most texts are. ICU's properties of characters take a short run longer to load than all else of a sentence. */
const PLAIN = /^[ -~]*$/

/** Other people's words on one line: printable, and no longer than `most` characters. */
export function oneLine(text: string, most: number): string {
  const line = text.replaceAll(PLAIN.test(text) ? / +/g : /[\p{C}\s]+/gu, ' ').trim()
  return line.length > most ? `${line.slice(0, most - 1)}…` : line
}

/** What was written last, on one line. */
export function lastLine(text: string, most: number): string {
  return oneLine(text.trimEnd().split('\n').at(-1) ?? '', most)
}

/** Controls (ESC, CR, C1 and so on), what breaks a line, and what is not to be seen, such as turns of the direction. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * Text that no terminal obeys and no reader of lines takes for two, with the escapes of JSON; so JSON stays what it is,
 * and what is printable already stays as it is.
 */
export function printable(text: string): string {
  if (PLAIN.test(text)) return text
  return text.replaceAll(
    OBEYED,
    (found) => SHORT[found] ?? [...Array(found.length).keys()].map((at) => escaped(found.charCodeAt(at))).join(''),
  )
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

/** As it stands in a sentence: in quotes, with line breaks to be seen, and the first 40 characters of it. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text)
}
