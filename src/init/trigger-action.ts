import { type Executable, findExecutable } from '../child/executable.ts'
import { quotedWords } from './quoted-words.ts'

const SCRIPT = '#!/bin/bash'

/**
 * What stands at a trigger's key, as a command: words that no shell sees, or a script of Bash when it begins as one.
 * `@NAME` stands for what `variables` have under NAME. `undefined` for an empty one. Throws `not-found` and
 * `not-executable` failures.
 */
export function parseTriggerAction(
  text: string,
  variables: Readonly<Record<string, string>>,
  path: string | undefined,
): Executable | undefined {
  const filled = substituted(text, variables)
  if (filled.startsWith(SCRIPT)) return findExecutable(['/bin/bash', '-c', filled], path)
  const [program, ...args] = quotedWords(filled)
  return program === undefined ? undefined : findExecutable([program, ...args], path)
}

/** The longest names first: one may begin as another does. */
function substituted(text: string, variables: Readonly<Record<string, string>>): string {
  const names = Object.keys(variables).toSorted((a, b) => b.length - a.length)
  return names.reduce((all, name) => all.replaceAll(`@${name.replace(/^@/, '')}`, () => variables[name] ?? ''), text)
}
