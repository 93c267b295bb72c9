import { existsSync, readFileSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { addressOf, isPicture } from './site-address.ts'

const { dirname, extname, join } = posix

/** A page of the site, before it is HTML. */
export interface Page {
  /** The file or folder that it shows, from the root of the project. */
  readonly file: string
  readonly address: string
  readonly title: string
  readonly markdown: string
}

/** Links of Markdown within the project. */
const LINKED = /\]\((?!https?:|#)([^)#\s]+)/g

/** The pages of Markdown files, and of every other file or folder of the project that they lead to. */
export function pagesOf(documents: readonly string[], tracked: readonly string[]): Page[] {
  const written = documents.map(document)
  const targets = written.flatMap(({ file, markdown }) =>
    [...markdown.matchAll(LINKED)].map(([, target = '']) => join(dirname(file), target).replace(/\/$/, '')),
  )
  const others = [...new Set(targets)].filter(
    (target) => existsSync(target) && !documents.includes(target) && !isPicture(target),
  )
  return [...written, ...others.map((file) => (statSync(file).isDirectory() ? listing(file, tracked) : source(file)))]
}

function document(file: string): Page {
  const markdown = readFileSync(file, 'utf8')
  const title = /^# (.*)$/m.exec(markdown)?.[1]?.replaceAll('`', '') ?? file
  return { file, address: addressOf(file), title, markdown }
}

function source(file: string): Page {
  const text = readFileSync(file, 'utf8')
  const fence = '`'.repeat(8)
  const markdown = `# ${file}\n\n${fence}${extname(file).slice(1)}\n${text.trimEnd()}\n${fence}\n`
  return { file, address: addressOf(file), title: file, markdown }
}

function listing(folder: string, tracked: readonly string[]): Page {
  const files = tracked.filter((file) => file.startsWith(`${folder}/`))
  const parts = files.map((file) => source(file).markdown.replace(/^# /, '## '))
  return { file: folder, address: addressOf(folder), title: folder, markdown: [`# ${folder}\n`, ...parts].join('\n') }
}
