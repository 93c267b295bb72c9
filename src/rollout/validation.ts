import { accessSync, closeSync, constants, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure, reasonOf } from '../base/failure.ts'
import { lastLine, oneLine } from '../base/printable.ts'
import { shellStatus } from '../child/exit-status.ts'
import { type OnGroup, runTask } from '../child/task.ts'
import type { TestFolder } from './rollout-file.ts'

/** The names that run-parts runs by default; see run-parts(8). */
const NAME = /^[A-Za-z0-9_-]+$/
const MISNAMED = "a test's name has only letters, digits, _ and - in it, unless a regex says otherwise"
const EXCERPT = 400
const GRACE_MS = 2000

/** All tests passed, so many, but for files that look like tests and weren't run; or one failed. */
export type ValidationResult =
  | { readonly passed: true; readonly tests: number; readonly skipped: readonly string[] }
  | { readonly passed: false; readonly why: string; readonly output: string }

export interface TestRun {
  readonly tests: TestFolder
  /** For each test, in milliseconds. */
  readonly timeoutMs: number
  readonly environment: NodeJS.ProcessEnv
  /** Hears of each test's process group when it has started, and of its end with `undefined`. */
  readonly onGroup?: OnGroup
}

/**
 * Runs the tests of a directory as `run-parts --exit-on-error` does: files that are executable and whose names match
 * the pattern that is asked for, or have only letters, digits, _ and - in them; in the order of their names, until one
 * fails. A file that nobody would miss (a `web.sh` by default, a script that isn't executable) is warned of. A
 * directory that can't be read fails, and so does one without a test, unless that is allowed.
 */
export async function runTests(ctx: Context, validation: TestRun): Promise<ValidationResult> {
  const { timeoutMs, environment, onGroup } = validation
  const { dir: directory, regex, allow_none: mayBeNone } = validation.tests
  const names = fileNamesIn(directory)
  if (typeof names === 'string') return { passed: false, why: names, output: '' }
  const { tests, skipped } = testsAmong(directory, names, regex)
  for (const { name, why } of skipped) ctx.log.warn(`${join(directory, name)} was not run: ${why}`)
  if (tests.length === 0 && !mayBeNone) {
    const instead = skipped.map(({ name, why }) => `; ${name} was not run: ${why}`).join('')
    return { passed: false, why: `there is no test in ${directory}${oneLine(instead, EXCERPT)}`, output: '' }
  }
  for (const name of tests) {
    const file = join(directory, name)
    const end = await runTask(ctx, {
      command: { file, words: [file] },
      environment,
      timeoutMs,
      graceMs: GRACE_MS,
      sparesDaemons: false,
      ...(onGroup ? { onGroup } : {}),
    }).catch(cannotStart)
    if (typeof end === 'string') return { passed: false, why: end, output: '' }
    const { status, output } = end
    if (status === 'interrupted') throw ctx.signal.reason
    if (status === 'too-late') {
      return { passed: false, why: `${name} did not end within ${formatDuration(timeoutMs)}`, output }
    }
    const code = shellStatus(status)
    if (code !== 0) return { passed: false, why: `${name} failed with ${code}${excerpt(output)}`, output }
  }
  return { passed: true, tests: tests.length, skipped: skipped.map(({ name }) => name) }
}

/** A test that can't be started (its interpreter isn't there) fails. */
function cannotStart(thrown: unknown): string {
  if (thrown instanceof Failure) return thrown.message
  throw thrown
}

/** A file that looks like a test, and why it is none. */
interface Skipped {
  readonly name: string
  readonly why: string
}

/** The tests among these files, and files that somebody may hold for tests. Whoever asks for names means no others. */
export function testsAmong(
  directory: string,
  names: readonly string[],
  regex?: string,
): { readonly tests: string[]; readonly skipped: Skipped[] } {
  const pattern = regex === undefined ? NAME : new RegExp(regex, 'u')
  const tests: string[] = []
  const skipped: Skipped[] = []
  for (const name of names) {
    const file = join(directory, name)
    const isNamed = pattern.test(name)
    if (isExecutable(file)) {
      if (isNamed) tests.push(name)
      else if (regex === undefined) skipped.push({ name, why: MISNAMED })
    } else if (isNamed && isScript(file)) skipped.push({ name, why: 'it is not executable' })
  }
  return { tests, skipped }
}

/** Sorted byte by byte, as in the C locale; or why there are none. */
export function fileNamesIn(directory: string): string[] | string {
  try {
    return readdirSync(directory).sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
  } catch (thrown) {
    return `the validation directory can't be read: ${reasonOf(thrown)}`
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

function isScript(file: string): boolean {
  try {
    if (!statSync(file).isFile()) return false
    const descriptor = openSync(file, 'r')
    try {
      const begin = Buffer.alloc(2)
      return readSync(descriptor, begin) === 2 && begin.toString() === '#!'
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return false
  }
}

/** The last line that a test wrote, for people. */
function excerpt(output: string): string {
  const line = lastLine(output, EXCERPT)
  return line === '' ? '' : `: ${line}`
}
