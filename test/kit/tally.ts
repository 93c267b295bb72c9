import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node'

/** A file in which several runs add up. */
const FILE = process.env.TALLY
/** More of an error's first line is of no use in a list. */
const MESSAGE_LENGTH = 200

/** What a run came to, and those before it. */
interface Sum {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** A line for each failure. */
  readonly failures: readonly string[]
  /** A line for each test that failed, and passed when it was tried once more. */
  readonly unsteady: readonly string[]
}

const NOTHING: Sum = { passed: 0, failed: 0, skipped: 0, failures: [], unsteady: [] }

/**
 * Ends a run with its failures and its unsteady tests, one line each, and with one line of counts that any machine understands: whoever sees
 * a log's tail only knows what failed. With `TALLY=FILE` it tells and counts the runs before this one, too.
 */
export default class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state))
    const count = (state: string) => states.filter((s) => s === state).length
    const failures = [...modules.flatMap(failuresOf), ...errors.map((error) => failure('outside of any test', error))]
    const before = FILE && existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Sum) : NOTHING
    const sum: Sum = {
      passed: before.passed + count('passed'),
      failed: before.failed + failures.length,
      skipped: before.skipped + count('skipped') + count('pending'),
      failures: [...before.failures, ...failures],
      unsteady: [...before.unsteady, ...modules.flatMap(unsteadyOf)],
    }
    if (FILE) writeFileSync(FILE, JSON.stringify(sum))
    const counts = `${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''}`
    process.stdout.write(`${[...sum.unsteady, ...sum.failures, counts].join('\n')}\n`)
  }
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

function unsteadyOf(module: TestModule): string[] {
  return [...module.children.allTests('passed')]
    .filter((test) => test.diagnostic()?.flaky)
    .map((test) => `unsteady: ${failure(titleOf(module, test), test.result().errors?.[0])}`)
}

function titleOf(module: TestModule, test: TestCase): string {
  return `${module.relativeModuleId} › ${test.fullName.replaceAll(' > ', ' › ')}`
}

function failure(where: string, error: SerializedError | undefined): string {
  const [line = ''] = stripVTControlCharacters(error?.message ?? 'failed').split('\n')
  return `${where}: ${line.slice(0, MESSAGE_LENGTH)}`
}
