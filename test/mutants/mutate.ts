// npm run mutate: tries the mutants of what docs/mutants.md lists, or of the files that are named, one file after the
// other. Ends with 1 if more of a file's mutants live than its row tells.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Stryker } from '@stryker-mutator/core'
import { isFound, listed, rowOf, type Score, testsOf } from './score.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Settles when every mutant of `path`, a file or a folder of src, has met the tests that are about it. */
async function measure(path: string): Promise<Score> {
  // Stryker's own `testFiles` would have what is made as a module loads tried when that is done.
  process.env.MUTANTS_MEET = testsOf(path).join(' ')
  const mutants = await new Stryker({
    mutate: [path.endsWith('.ts') ? path : `${path}/**/*.ts`],
    // What a sentence says is the integration tests' to know, and which word a kind has the type check's.
    mutator: { excludedMutations: ['StringLiteral'] },
    testRunner: 'vitest',
    // In a thread no test could change its folder, or be sent a signal.
    vitest: { configFile: 'test/mutants/vitest.config.ts', pool: 'forks' },
    coverageAnalysis: 'perTest',
    // A file that hasn't changed since, nor its tests, is told of at once.
    incremental: true,
    incrementalFile: `.cache/mutants/known/${path.replaceAll('/', '.')}.json`,
    tempDirName: '.cache/mutants/sandbox',
    ignorePatterns: ['.cache', 'dist'],
    concurrency: 1,
    timeoutMS: 5000,
    reporters: ['progress-append-only'],
    allowConsoleColors: false,
  }).runMutationTest()
  const counted = mutants.filter(({ status }) => status !== 'Ignored' && status !== 'RuntimeError')
  const lived = counted.filter((mutant) => !isFound(mutant))
  for (const { fileName, location, mutatorName, replacement } of lived) {
    const at = `${fileName.slice(ROOT.length + 1)}:${location.start.line}:${location.start.column}`
    console.log(`lives: ${at} ${mutatorName}: ${replacement.replaceAll(/\s+/g, ' ').slice(0, 80)}`)
  }
  return { path, found: counted.length - lived.length, of: counted.length }
}

process.chdir(ROOT)
const known = listed(readFileSync('docs/mutants.md', 'utf8'))
const named = process.argv.slice(2)
const stray = named.find((path) => !path.startsWith('src/') || !existsSync(path))
if (stray !== undefined) {
  console.error(`${stray} is no file or folder of src: npm run mutate -- src/lock/hold.ts`)
  process.exit(2)
}
const measured: Score[] = []
for (const path of named.length > 0 ? named : known.map(({ path }) => path)) {
  try {
    measured.push(await measure(path))
  } catch (thrown) {
    // Stryker takes it for a mistake when no test reaches a file. The others are measured all the same.
    console.error(`${path}: ${thrown instanceof Error ? thrown.message : thrown}`)
    process.exitCode = 1
  }
}

const rowBefore = (score: Score) => known.find(({ path }) => path === score.path)
for (const score of measured) console.log(rowOf({ word: rowBefore(score)?.word ?? '', ...score }))
const sum = (count: (score: Score) => number) => measured.reduce((total, score) => total + count(score), 0)
console.log(`\nTogether ${sum(({ found }) => found)} of ${sum((score) => score.of)}.`)
for (const score of measured) {
  const { path, found, of } = score
  const before = rowBefore(score)
  if (!before || of - found <= before.of - before.found) continue
  console.error(`${path}: ${of - found} live, and not ${before.of - before.found} as in docs/mutants.md`)
  process.exitCode = 1
}
