import { wrapped } from '../../../base/wrapped-text.ts'
import type { Block, ManualPage } from './manual-page.ts'

/** Of the source, as mandoc likes it. */
const SOURCE_COLUMNS = 80

/** When and as which version the page was made. */
export interface Edition {
  readonly version: string
  /** As 2026-11-29; empty when nobody knows. */
  readonly date: string
}

/** The page as man(1) takes it: man(7)'s macros, in ASCII. */
export function roffPage({ name, summary, sections }: ManualPage, { version, date }: Edition): string {
  const title = [escaped(name.toUpperCase()), '1', date, escaped(`consul-locker ${version}`), escaped('consul-locker')]
  const lines = [
    `.TH ${title.map((word) => `"${word}"`).join(' ')}`,
    '.nh',
    '.ad l',
    '.SH NAME',
    ...filled(`${name} - ${summary}`),
    ...sections.flatMap(({ title, blocks }) => [`.SH "${escaped(title)}"`, ...blocks.flatMap(blockLines)]),
  ]
  return `${lines.join('\n')}\n`
}

function blockLines(block: Block, at: number, all: readonly Block[]): string[] {
  const before = all[at - 1]?.kind
  const isFirst = before === undefined || before === 'heading'
  switch (block.kind) {
    case 'text':
      return [...(isFirst ? [] : ['.PP']), ...filled(block.text)]
    case 'lines':
      return [...(isFirst ? [] : ['.PP']), '.nf', ...block.lines.map((line) => guarded(escaped(line))), '.fi']
    case 'entry':
      return ['.TP', guarded(tagged(block.tag)), ...filled(block.text === '' ? '\\&' : block.text)]
    case 'heading':
      return [`.SS "${escaped(block.text)}"`]
  }
}

/** Names in bold, what stands for something in italics: `-w, --wait TIME`. */
function tagged(tag: string): string {
  const [, names = tag, value] = /^((?:-\w, |)--?[\w-]+)((?:\[?=| )\S.*)?$/.exec(tag) ?? []
  return `\\fB${escaped(names)}\\fR${value === undefined ? '' : `\\fI${escaped(value)}\\fR`}`
}

/** Options and other pages in bold. */
const MARKED = /(?<![\w-])--[a-z][a-z-]*|consul-locker(?:-[a-z-]+)?\(1\)/g

function filled(text: string): string[] {
  if (text === '\\&') return [text]
  let from = 0
  let marked = ''
  for (const { 0: found, index } of text.matchAll(MARKED)) {
    marked += `${escaped(text.slice(from, index))}\\fB${escaped(found)}\\fR`
    from = index + found.length
  }
  return wrapped(marked + escaped(text.slice(from)), SOURCE_COLUMNS).map(guarded)
}

const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '"': '\\(dq',
}

function escaped(text: string): string {
  return text.replaceAll(/[\\'`^~"-]|[^\x20-\x7e]/gu, (found) => SPECIAL[found] ?? unicode(found))
}

function unicode(letter: string): string {
  const code = letter.codePointAt(0) ?? 0
  return `\\[u${code.toString(16).toUpperCase().padStart(4, '0')}]`
}

/** A line that begins with a dot is no request. */
function guarded(line: string): string {
  return line.startsWith('.') ? `\\&${line}` : line
}
