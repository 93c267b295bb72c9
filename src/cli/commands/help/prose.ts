import { type Block, entry, paragraph } from './manual-page.ts'

/** Blocks of a help text: paragraphs, and lists in the lines that are indented. */
export function proseBlocks(text: string): Block[] {
  return text.split(/\n\n+/).flatMap((part) => {
    const lines = part.split('\n').filter((line) => line !== '')
    return runsOf(lines).flatMap((run) => (isIndented(run[0]) ? listBlocks(run) : [paragraph(run.join(' '))]))
  })
}

const isIndented = (line = '') => line.startsWith('  ')

/** Lines that follow each other, and are all indented or all not. */
function runsOf(lines: readonly string[]): string[][] {
  const runs: string[][] = []
  for (const line of lines) {
    const last = runs.at(-1)
    if (last && isIndented(last[0]) === isIndented(line)) last.push(line)
    else runs.push([line])
  }
  return runs
}

/** An exit code at the beginning of a line. */
const CODE = /^ {2}(\d+(?:, \d+)*|128\+n) +(\S.*)$/

function listBlocks(lines: readonly string[]): Block[] {
  const column = columnOf(lines)
  if (lines.some((line) => CODE.test(line)) && !lines.some(isContinued)) return codeBlocks(lines)
  if (column === undefined) return [{ kind: 'lines', lines: lines.map((line) => line.slice(2)) }]
  const entries: { tag: string; text: string }[] = []
  for (const line of lines) {
    const last = entries.at(-1)
    if (last && isContinued(line)) last.text = `${last.text} ${line.trim()}`.trim()
    else entries.push(splitAt(line, column))
  }
  return entries.map(({ tag, text }) => entry(tag, text))
}

/** A list of exit codes, and what stands before it. */
function codeBlocks(lines: readonly string[]): Block[] {
  const first = lines.findIndex((line) => CODE.test(line))
  const before = lines.slice(0, first).map((line) => line.trim())
  const codes = lines.slice(first).map((line) => {
    const [, code = '', meaning = line.trim()] = CODE.exec(line) ?? []
    return entry(code, meaning)
  })
  return [...(before.length > 0 ? [paragraph(before.join(' '))] : []), ...codes]
}

const isContinued = (line: string) => line.startsWith('    ')

function splitAt(line: string, column: number): { tag: string; text: string } {
  const isSplit = line[column - 1] === ' ' && line[column] !== undefined && line[column] !== ' '
  if (isSplit) return { tag: line.slice(0, column).trim(), text: line.slice(column) }
  return { tag: line.trim(), text: '' }
}

/** Where the meanings begin: where lines go on, or else behind the gap of the first line that has one. */
function columnOf(lines: readonly string[]): number | undefined {
  const continued = lines.filter(isContinued).map((line) => line.search(/\S/))
  if (continued.length > 0) return Math.min(...continued)
  const gaps = lines.flatMap((line) => /^ {2}\S.*? {2,}(?=\S)/.exec(line)?.[0].length ?? [])
  return gaps[0]
}
