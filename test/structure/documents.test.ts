import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { execute } from '../../scripts/execute.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Links of Markdown that lead to a file, and files that stand in code quotes. */
const LINKED = /\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g
const NAMED = /`((?:src|test|scripts|build|examples|docs)\/[\w./-]+\.\w+)`/g

test('files that the documents name are there', async () => {
  const documents = (await execute('git', ['ls-files', '*.md'], { cwd: ROOT })).trim().split('\n')
  const missing = documents.flatMap((document) => {
    const text = readFileSync(join(ROOT, document), 'utf8')
    const linked = [...text.matchAll(LINKED)].map(([, file = '']) => join(dirname(document), file))
    const named = [...text.matchAll(NAMED)].map(([, file = '']) => file)
    return [...linked, ...named].filter((file) => !existsSync(join(ROOT, file))).map((file) => `${document}: ${file}`)
  })
  expect(documents.length).toBeGreaterThan(5)
  expect(missing).toEqual([])
})
