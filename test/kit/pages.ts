import { globSync } from 'node:fs'
import { join } from 'node:path'
import { readDocument } from './documents.ts'

/** What stands between two fences of a page. */
export interface Fence {
  readonly page: string
  /** The line of the page on which it begins. */
  readonly line: number
  /** `sh`, `text`, …; empty when the fence says nothing. */
  readonly language: string
  readonly text: string
}

/** The pages that users read, by their paths from the project. */
export const PAGES: readonly string[] = [
  'README.md',
  ...globSync('docs/*.md', { cwd: join(import.meta.dirname, '../..') }).sort(),
]

/** All fences of a page, as they follow each other. */
export function fencesOf(page: string): Fence[] {
  const text = readDocument(page)
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((found) => {
    const [, language = '', inside = ''] = found
    return { page, line: text.slice(0, found.index).split('\n').length + 1, language, text: inside }
  })
}

/** The commands between two fences: lines of a shell, of a crontab, and of a CI's steps. A script is one command. */
export function commandsOf({ language, text }: Fence): string[] {
  if (language === 'yaml')
    return [...text.matchAll(/^ +- (?:run: (.*)|(consul-locker .*))$/gm)].map(([, run, line]) => run ?? line ?? '')
  if (language === 'crontab') return text.trimEnd().split('\n')
  if (language !== 'sh' && language !== 'bash') return []
  return text.startsWith('#!') ? [text] : typed(text)
}

/** What is typed as one: a line, with those that continue it and the document that it reads. */
function typed(text: string): string[] {
  const commands: string[] = []
  let open: string | undefined
  for (const line of text.trimEnd().split('\n')) {
    const so = open === undefined ? line : `${open}\n${line}`
    const [, end] = /<<'(\w+)'/.exec(so) ?? []
    const goesOn = end === undefined ? /(?:\\|&&|\|)$/.test(line) : line !== end
    open = goesOn ? so : undefined
    if (!goesOn && !/^(?:#.*)?$/.test(so)) commands.push(so)
  }
  return commands
}
