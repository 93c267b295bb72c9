import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { execute } from '../../scripts/provide/execute.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Links of Markdown that lead to a file or a heading, and files that stand in code quotes. */
const LINKED = /\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)/g
const NAMED = /`((?:src|test|scripts|build|examples|docs)\/[\w./-]+\.\w+)`/g

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const isThere = (file: string) => existsSync(join(ROOT, file))

/** All Markdown files. */
async function documents(): Promise<string[]> {
  return (await execute('git', ['ls-files', '*.md'], { cwd: ROOT })).trim().split('\n')
}

/** What leads to the headings of a document, as GitHub makes it. */
function anchors(document: string): string[] {
  const headings = read(document).matchAll(/^#+ (.*)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test('files and headings that the documents name are there', async () => {
  const all = await documents()
  const missing = all.flatMap((document) => {
    const text = read(document)
    const linked = [...text.matchAll(LINKED)].map(([, file = '', anchor]) => {
      return { file: file === '' ? document : join(dirname(document), file), anchor }
    })
    const named = [...text.matchAll(NAMED)].map(([, file = '']) => ({ file, anchor: undefined }))
    return [...linked, ...named]
      .filter(({ file, anchor }) => !isThere(file) || (anchor !== undefined && !anchors(file).includes(anchor)))
      .map(({ file, anchor }) => `${document}: ${file}${anchor === undefined ? '' : `#${anchor}`}`)
  })
  expect(all.length).toBeGreaterThan(5)
  expect(missing).toEqual([])
})

/** Code of Markdown that says in its first line which file it would be. */
const CODE = /^```ts\n\/\/ (\S+)\n([\s\S]*?)^```/gm
const IMPORT = /^import (?:type )?\{([^}]*)\} from '(\.[^']+)'$/gm

test('code in the documents imports what is there', async () => {
  const examples = (await documents()).flatMap((document) => [...read(document).matchAll(CODE)])
  const own = examples.map(([, file]) => file)
  const imports = examples.flatMap(([, file = '', code = '']) =>
    [...code.matchAll(IMPORT)].flatMap(([, names = '', path = '']) => {
      const from = join(dirname(file), path)
      return names.split(',').map((name) => ({ from, name: name.replace('type ', '').trim() }))
    }),
  )
  const missing = imports
    .filter(({ from }) => !own.includes(from))
    .filter(({ from, name }) => !isThere(from) || !new RegExp(`^export .*\\b${name}\\b`, 'm').test(read(from)))
  expect(imports.length).toBeGreaterThan(10)
  expect(missing).toEqual([])
})
