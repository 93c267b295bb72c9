import { Failure } from '../../base/failure.ts'
import { findExecutable } from '../../child/executable.ts'
import type { NamedProgram } from './examined-file.ts'

/**
 * The program that a line for the shell begins with, if that is a path: any other word may be one of the shell's own.
 * Without the shell itself no line runs.
 */
export function lineProgram(key: string, line: string, { PATH }: NodeJS.ProcessEnv): NamedProgram[] {
  const first = /^\s*(\/[\w./+@-]+)(?=\s|$)/.exec(line)?.[1]
  const programs = ['/bin/sh', ...(first === undefined ? [] : [first])]
  return programs.map((program) => namedProgram(key, [program], PATH))
}

/** A program that a file names by its words. */
export function namedProgram(
  key: string,
  words: readonly [string, ...string[]],
  path: string | undefined,
): NamedProgram {
  return {
    key,
    look() {
      try {
        findExecutable(words, path)
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown
        throw new Failure(thrown.code, `${key}: ${thrown.message}`, { hint: thrown.hint, cause: thrown })
      }
    },
  }
}
