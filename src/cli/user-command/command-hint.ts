import { Failure } from '../../base/failure.ts'

/**
 * The failure of a command that was not found, with the hint that helps those who have another tool's habits. `name` is
 * the lock's, if there is one.
 */
export function withHint(failure: Failure, [first = '']: readonly string[], name?: string): Failure {
  const hint = hintFor(first, name)
  return hint === undefined ? failure : new Failure(failure.code, failure.message, { hint, cause: failure.cause })
}

function hintFor(first: string, name: string | undefined): string | undefined {
  if (name !== undefined && first.startsWith('-'))
    return `options stand before the name: consul-locker ${first} … ${name} …`
  if (!/[\s;|&<>]/.test(first)) return undefined
  const line = `'${first.replaceAll("'", String.raw`'\''`)}'`
  return `a line for the shell: ${name === undefined ? `sh -c ${line}` : `consul-locker ${name} -c ${line}`}`
}
