import { Failure } from '../../base/failure.ts'
import { type Executable, findExecutable } from '../../child/executable.ts'
import { checkEncoding } from './argument-encoding.ts'

/**
 * The command that stands behind a `--`; `undefined` when there is no `--`. `without` is what leaving it out is good
 * for. Throws a `usage`, a `not-found` or a `not-executable` failure.
 */
export async function commandBehind(
  words: readonly string[] | undefined,
  environment: NodeJS.ProcessEnv,
  without: string,
): Promise<Executable | undefined> {
  if (words === undefined) return undefined
  const [first, ...args] = words
  if (first === undefined) {
    throw new Failure('usage', 'no command stands behind the --', { hint: `leave it out to ${without}` })
  }
  checkEncoding(words)
  try {
    return findExecutable([first, ...args], environment.PATH)
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'not-found') throw thrown
    throw (await import('./command-hint.ts')).withHint(thrown, words)
  }
}
