import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { lastLine } from '../base/excerpt.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { shellStatus } from '../child/exit-status.ts'
import { runTask } from '../child/task.ts'

/** The names that run-parts runs by default; see run-parts(8). */
const NAME = /^[A-Za-z0-9_-]+$/
const EXCERPT = 400
const GRACE_MS = 2000

/** All tests passed, so many; or one failed. */
export type Verdict =
  | { readonly passed: true; readonly tests: number }
  | { readonly passed: false; readonly why: string; readonly output: string }

export interface Validation {
  readonly directory: string
  /** For each test, in milliseconds. */
  readonly timeoutMs: number
  readonly environment: NodeJS.ProcessEnv
  /** Hears of each test's process group when it has started, and of its end with `undefined`. */
  readonly onGroup?: (group: number | undefined) => void
}

/**
 * Runs the tests of a directory as `run-parts --exit-on-error` does: files that are executable and whose names have
 * only letters, digits, _ and - in them, in the order of their names, until one fails. An executable file with another
 * name (`web.sh`) is a mistake that is warned of, for nobody would miss the test. A directory that can't be read fails.
 */
export async function validate(ctx: Context, validation: Validation): Promise<Verdict> {
  const { directory, timeoutMs, environment, onGroup } = validation
  const names = namesIn(directory)
  if (typeof names === 'string') return { passed: false, why: names, output: '' }
  const { tests, misnamed } = testsAmong(directory, names)
  for (const name of misnamed) {
    ctx.log.warn(`${join(directory, name)} was not run: a test's name has only letters, digits, _ and - in it`)
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
  return { passed: true, tests: tests.length }
}

/** A test that can't be started (its interpreter isn't there) fails. */
function cannotStart(thrown: unknown): string {
  if (thrown instanceof Failure) return thrown.message
  throw thrown
}

/** The tests among these files, and executable files that are none because of their names. */
export function testsAmong(directory: string, names: readonly string[]): Record<'tests' | 'misnamed', string[]> {
  const executable = names.filter((name) => isExecutable(join(directory, name)))
  return {
    tests: executable.filter((name) => NAME.test(name)),
    misnamed: executable.filter((name) => !NAME.test(name)),
  }
}

/** Sorted byte by byte, as in the C locale; or why there are none. */
export function namesIn(directory: string): string[] | string {
  try {
    return readdirSync(directory).sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
  } catch (thrown) {
    return `the validation directory can't be read: ${messageOf(thrown)}`
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

/** The last line that a test wrote, for people. */
function excerpt(output: string): string {
  const line = lastLine(output, EXCERPT)
  return line === '' ? '' : `: ${line}`
}
