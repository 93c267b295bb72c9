import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node'

/** More of an error's first line is of no use in a list. */
const MESSAGE_LENGTH = 200

/** The name of what belongs to no file. */
export const OUTSIDE = ''

/** What a file of tests came to. */
export interface FileTally {
  readonly project: string
  /** Its path from the root of the project. */
  readonly file: string
  readonly passed: number
  readonly skipped: number
  /** A line for each failure. */
  readonly failures: readonly string[]
  /** A line for each failure that was gone when the file was tried once more. */
  readonly unsteady: readonly string[]
}

/**
 * Ends a run with its failures and its unsteady tests, one line each, and with one line of counts that any machine
 * understands: whoever sees a log's tail only knows what failed. With `TALLY=FILE` it tells and counts the runs before
 * this one, too; of a file that was tried twice, the later counts.
 */
export default class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const before = talliedIn(process.env.TALLY)
    const files = new Map(before.map((tally) => [keyOf(tally), tally]))
    for (const module of modules) {
      const tally = tallyOf(module, errors)
      files.set(keyOf(tally), withFirstTry(tally, files.get(keyOf(tally))))
    }
    const stray = errors.filter((error) => !modules.some((module) => isOf(module, error)))
    if (stray.length > 0) {
      const failures = stray.map((error) => failure('outside of any test', error))
      const outside = { project: '', file: OUTSIDE, passed: 0, skipped: 0, unsteady: [] }
      files.set(keyOf(outside), { ...outside, failures: [...(files.get(keyOf(outside))?.failures ?? []), ...failures] })
    }
    const all = [...files.values()]
    if (process.env.TALLY) writeFileSync(process.env.TALLY, JSON.stringify(all))
    process.stdout.write(`${linesOf(all).join('\n')}\n`)
  }
}

/** What the runs that added up in `file` came to, file by file; nothing, if there was none. */
export function talliedIn(file: string | undefined): readonly FileTally[] {
  return file && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as FileTally[]) : []
}

/** The simulation's files are in two projects. */
function keyOf({ project, file }: Pick<FileTally, 'project' | 'file'>): string {
  return `${project} ${file}`
}

function linesOf(files: readonly FileTally[]): string[] {
  const sum = (count: (tally: FileTally) => number) => files.reduce((total, tally) => total + count(tally), 0)
  const skipped = sum((tally) => tally.skipped)
  const passed = sum((tally) => tally.passed)
  const failures = files.flatMap((tally) => tally.failures)
  return [
    ...files.flatMap((tally) => tally.unsteady),
    ...failures,
    `${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  ]
}

/** Vitest says which file ran when a promise was rejected that nobody heard; not always, and then it is nobody's. */
function isOf(module: TestModule, { VITEST_TEST_PATH }: SerializedError): boolean {
  return VITEST_TEST_PATH === module.moduleId
}

function tallyOf(module: TestModule, errors: readonly SerializedError[]): FileTally {
  const states = [...module.children.allTests()].map((test) => test.result().state)
  const count = (state: string) => states.filter((s) => s === state).length
  const file = module.relativeModuleId
  const unheard = errors.filter((error) => isOf(module, error)).map((error) => failure(`${file}, unheard`, error))
  return {
    project: module.project.name,
    file,
    passed: count('passed'),
    skipped: count('skipped') + count('pending'),
    failures: [...failuresOf(module), ...unheard],
    unsteady: [],
  }
}

function withFirstTry(now: FileTally, before: FileTally | undefined): FileTally {
  if (now.failures.length > 0 || before === undefined) return now
  return { ...now, unsteady: before.failures.map((line) => `unsteady: ${line}`) }
}

/** A line for each test that failed, and for what failed beside the tests: the file itself, a hook of a group. */
function failuresOf(module: TestModule): string[] {
  const file = module.relativeModuleId
  const beside = [module, ...module.children.allSuites()].flatMap((suite) =>
    suite
      .errors()
      .slice(0, 1)
      .map((error) => failure(suite.type === 'suite' ? `${file} › ${suite.fullName}` : file, error)),
  )
  const tests = [...module.children.allTests('failed')].map((test) =>
    failure(titleOf(module, test), test.result().errors?.[0]),
  )
  return [...beside, ...tests]
}

function titleOf(module: TestModule, test: TestCase): string {
  return `${module.relativeModuleId} › ${test.fullName.replaceAll(' > ', ' › ')}`
}

function failure(where: string, error: SerializedError | undefined): string {
  const [line = ''] = stripVTControlCharacters(error?.message ?? 'failed').split('\n')
  return `${where}: ${line.slice(0, MESSAGE_LENGTH)}`
}
