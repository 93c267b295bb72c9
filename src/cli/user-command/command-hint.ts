import { Failure } from '../../base/failure.ts'
import { nearest } from '../syntax/nearest.ts'
import { isCommandWord, SYNTAXES } from '../syntax-table.ts'

/**
 * The failure of a command that was not found, with the hint that helps those who have another tool's habits. `name` is
 * the lock's, if there is one.
 */
export function withHint(failure: Failure, [first = '']: readonly string[], name?: string): Failure {
  const hint = hintFor(first, name) ?? wordHint(failure, first, name)
  return hint === undefined ? failure : new Failure(failure.code, failure.message, { hint, cause: failure.cause })
}

function hintFor(first: string, name: string | undefined): string | undefined {
  if (name !== undefined && first.startsWith('-'))
    return `options stand before the name: consul-locker ${first} … ${name} …`
  if (!/[\s;|&<>]/.test(first)) return undefined
  const line = `'${first.replaceAll("'", String.raw`'\''`)}'`
  return `a line for the shell: ${name === undefined ? `sh -c ${line}` : `consul-locker ${name} -c ${line}`}`
}

/** Who misspells a word of ours has named a lock. */
function wordHint({ hint = '' }: Failure, first: string, name = ''): string | undefined {
  const meant = meantWord(name)
  return meant === undefined ? undefined : `did you mean consul-locker ${meant} ${first}? ${hint}`.trimEnd()
}

/** The word of ours that a lock's name is a misspelling of, if it is like one. */
export function meantWord(name: string): string | undefined {
  return isCommandWord(name) ? undefined : nearest(name, Object.keys(SYNTAXES))
}
