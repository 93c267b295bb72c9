import { accessSync, constants, statSync } from 'node:fs'
import { Failure } from '../base/failure.ts'

/** A command that exists and may be executed. */
export interface Command {
  /** The file that will be executed. */
  readonly file: string
  /** The command's words as the user gave them. */
  readonly words: readonly [string, ...string[]]
}

// Where execvp looks when there is no PATH.
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'

/** Finds the file of a command as a shell would. Throws a `not-found` or a `not-executable` failure. */
export function findCommand(words: readonly [string, ...string[]], path = DEFAULT_PATH): Command {
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
