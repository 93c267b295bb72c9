import { accessSync, constants, statSync } from 'node:fs'
import { Failure } from '../base/failure.ts'

/** A command that exists and may be executed. */
export interface Executable {
  /** The file that will be executed. */
  readonly file: string
  /** The command's words as the user gave them. */
  readonly words: readonly [string, ...string[]]
}

/**
 * The file of this very program, as the kernel keeps it while we run (proc(5)): an upgrade may have put another one in
 * its place, or nothing, and its folder may be closed to us. For who starts it, this is *its* program: a shell is told
 * by a descriptor.
 */
export const OWN_EXECUTABLE = '/proc/self/exe'

/** How a process that we start ourselves is this very program: by its name, as long as that is true. */
export function ownExecutable(): string {
  const { execPath } = process
  const [named, own] = [execPath, OWN_EXECUTABLE].map((file) => statSync(file, { throwIfNoEntry: false }))
  return named?.ino === own?.ino && named?.dev === own?.dev ? execPath : OWN_EXECUTABLE
}

// Where execvp looks when there is no PATH.
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'

/** Finds the file of a command as a shell would. Throws a `not-found` or a `not-executable` failure. */
export function findExecutable(words: readonly [string, ...string[]], path = DEFAULT_PATH): Executable {
  const [name] = words
  const candidates = name.includes('/') ? [name] : path.split(':').map((directory) => `${directory || '.'}/${name}`)
  let denied: string | undefined
  for (const file of name === '' ? [] : candidates) {
    const verdict = judge(file)
    if (verdict === 'executable') return { file, words }
    if (verdict !== 'absent') denied ??= verdict
  }
  if (denied) {
    throw new Failure('not-executable', `the command ${name} can't be executed: ${denied}`, {
      hint: 'is that a program or a script, and may this user execute it?',
    })
  }
  throw new Failure('not-found', `the command ${JSON.stringify(name)} was not found`, {
    hint: name.includes('/') ? 'is its path right?' : `the PATH is ${path}`,
  })
}

function judge(file: string): string {
  try {
    if (statSync(file).isDirectory()) return `${file} is a directory`
    accessSync(file, constants.X_OK)
    return 'executable'
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    return code === 'EACCES' ? `${file}: permission denied` : 'absent'
  }
}
