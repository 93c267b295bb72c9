const QUOTED = 40

/** Other people's words on one line: printable, and no longer than `most` characters. */
export function oneLine(text: string, most: number): string {
  const line = text.replaceAll(/[\p{C}\s]+/gu, ' ').trim()
  return line.length > most ? `${line.slice(0, most - 1)}…` : line
}

/** What was written last, on one line. */
export function lastLine(text: string, most: number): string {
  return oneLine(text.trimEnd().split('\n').at(-1) ?? '', most)
}

/** As it stands in a sentence: in quotes, with line breaks to be seen, and the first 40 characters of it. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text)
}
