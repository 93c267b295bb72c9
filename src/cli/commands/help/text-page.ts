import { wrapped } from '../../../base/wrapped-text.ts'
import type { Block, ManualPage } from './manual-page.ts'

const COLUMNS = 80
const INDENT = 7
const TAG = 8

/** The page for a terminal, in lines of 80 columns. */
export function textPage({ name, summary, sections }: ManualPage): string {
  const all = [{ title: 'NAME', blocks: [{ kind: 'text', text: `${name} - ${summary}` }] as const }, ...sections]
  const lines = all.flatMap(({ title, blocks }) => [title, ...blocks.flatMap(blockLines), ''])
  return lines.join('\n')
}

function blockLines(block: Block, at: number, all: readonly Block[]): string[] {
  const gap = at === 0 || all[at - 1]?.kind === 'heading' ? [] : ['']
  switch (block.kind) {
    case 'text':
      return [...gap, ...indented(wrapped(block.text, COLUMNS - INDENT), INDENT)]
    case 'lines':
      return [...gap, ...indented(block.lines, INDENT)]
    case 'entry':
      return [...gap, ...entryLines(block.tag, block.text)]
    case 'heading':
      return [...gap, `   ${block.text}`]
  }
}

function entryLines(tag: string, text: string): string[] {
  const [first = '', ...rest] = text === '' ? [] : indented(wrapped(text, COLUMNS - INDENT - TAG), INDENT + TAG)
  if (tag.length >= TAG) return [`${' '.repeat(INDENT)}${tag}`, ...(first === '' ? [] : [first, ...rest])]
  return [`${' '.repeat(INDENT)}${tag.padEnd(TAG)}${first.trimStart()}`, ...rest]
}

function indented(lines: readonly string[], by: number): string[] {
  return lines.map((line) => (line === '' ? '' : ' '.repeat(by) + line))
}
