import { existsSync, globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { listed, type MutantRow, rowOf } from '../mutants/score.ts'

const PAGE = readFileSync('docs/mutants.md', 'utf8')
const ROWS = listed(PAGE)
/** What `npm run mutate` is for: docs/ARCHITECTURE.md says what these rooms hold. */
const CORE = globSync(['src/{lock,run,child}/**/*.ts', 'src/leader/machine/*.ts', 'src/switchover/protocol.ts']).sort()

/** Whether a file does anything, and doesn't only say what is what. */
function acts(file: string): boolean {
  return /\bfunction\b|=>|\bclass\b/.test(stripTypeScriptTypes(readFileSync(file, 'utf8')))
}

test('each file of the safety core has a row among the mutants, or a word why it has none', () => {
  const missing = CORE.filter(acts).filter(
    (file) =>
      !ROWS.some(({ path }) => file === path || file.startsWith(`${path}/`)) && !PAGE.includes(`\`${basename(file)}\``),
  )
  expect(CORE.length).toBeGreaterThan(100)
  expect(missing).toEqual([])
})

test('the rows of the mutants are of files that are there, and their sum and percentages are right', () => {
  expect(ROWS.map(({ path }) => path).filter((path) => !existsSync(path))).toEqual([])
  expect(ROWS.map(rowOf)).toEqual(PAGE.split('\n').filter((line) => line.startsWith('| `src/')))
  const [found, of] = [ROWS.reduce((sum, row) => sum + row.found, 0), ROWS.reduce((sum, row) => sum + row.of, 0)]
  expect(PAGE).toContain(`Together ${found} of ${of}.`)
})

test('each row with a mutant that lives has a word why, whose kinds the page explains', () => {
  const isOdd = ({ found, of, word }: MutantRow) => found < of !== /\w/.test(word)
  expect(ROWS.filter(isOdd)).toEqual([])
  const explained = [...PAGE.matchAll(/^- \*([^*]+)\*: /gm)].map(([, kind]) => kind)
  const named = ROWS.flatMap(({ word }) => [...word.matchAll(/\*([^*]+)\*/g)].map(([, kind]) => kind))
  expect([...new Set(named)].sort()).toEqual(explained.sort())
})
