import { getSystemErrorMap } from 'node:util'

/**
 * Why something ended that should not have:
 * - `usage`: options, arguments or environment make no sense
 * - `config`: a configuration file is wrong
 * - `not-found`, `not-executable`: the command can't be run
 * - `unreachable`: no connection, or it broke, or no answer came in time
 * - `untrusted`: no TLS, or one side doesn't trust the other's certificate
 * - `unavailable`: Consul answers that it can't serve now (500, 429, 503)
 * - `refused`: Consul refuses for want of rights (403)
 * - `unknown-token`: Consul doesn't know the token
 * - `rejected`: Consul refuses what was asked, for good
 * - `too-large`: Consul answers with more than we read
 * - `not-consul`: what answers is something else
 * - `unwritable`: what was asked for can't be printed
 * - `exhausted`: our limit of open files is used up
 * - `precondition`: the state that things are in doesn't allow what was asked
 * - `conflict`: somebody else is at it, or was faster
 * - `malformed`: what is stored isn't what belongs there
 * - `timed-out`: what was asked for didn't come about in time
 * - `failed`: a command, or a node's part in something, came to a bad end
 * - `local`: this machine doesn't let us: a file, a port
 */
export type FailureCode =
  | 'usage'
  | 'config'
  | 'not-found'
  | 'not-executable'
  | 'unreachable'
  | 'untrusted'
  | 'unavailable'
  | 'refused'
  | 'unknown-token'
  | 'rejected'
  | 'too-large'
  | 'not-consul'
  | 'unwritable'
  | 'exhausted'
  | 'precondition'
  | 'conflict'
  | 'malformed'
  | 'timed-out'
  | 'failed'
  | 'local'

/** An end that a person must hear of: one sentence, and a hint what to do. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: FailureCode
  readonly hint: string | undefined

  constructor(code: FailureCode, sentence: string, about: { hint?: string | undefined; cause?: unknown } = {}) {
    super(sentence, { cause: about.cause })
    this.code = code
    this.hint = about.hint
  }
}

/**
 * The failure of something that had no file descriptor left to open, which no retry mends; `undefined` for what was
 * thrown for another reason.
 */
export function outOfFiles(what: string, thrown: unknown): Failure | undefined {
  if ((thrown as { code?: unknown } | undefined)?.code !== 'EMFILE') return undefined
  return new Failure('exhausted', `${what}: too many open files`, { hint: 'raise the limit: ulimit -n', cause: thrown })
}

/** The same for what needed to know the current folder, and somebody has removed that. */
export function withoutFolder(thrown: unknown): Failure | undefined {
  if ((thrown as { syscall?: unknown } | undefined)?.syscall !== 'uv_cwd') return undefined
  return new Failure('usage', `the current folder can't be named: ${reasonOf(thrown)}`, {
    hint: 'was it removed? change into another one',
    cause: thrown,
  })
}

/** Why a file can't be used, without its path and the name of the system call: `no such file or directory`. */
export function reasonOf(thrown: unknown): string {
  const { code, errno, syscall } = thrown as NodeJS.ErrnoException
  const [, reason] = (errno !== undefined && syscall !== undefined && getSystemErrorMap().get(errno)) || []
  return (code && WORDS[code]) ?? reason ?? messageOf(thrown)
}

/** What the system's own words leave unclear. */
const WORDS: Readonly<Record<string, string>> = { EISDIR: 'it is a directory' }

/** The same with the path, if the system refused one: `/run/x: read-only file system`. */
export function complaintOf(thrown: unknown): string {
  const { path } = thrown as NodeJS.ErrnoException
  return path === undefined ? reasonOf(thrown) : `${path}: ${reasonOf(thrown)}`
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
