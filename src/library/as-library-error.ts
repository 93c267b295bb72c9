import { Failure, type FailureCode } from '../base/failure.ts'
import { ConsulLockerError, type ErrorCode } from './errors.ts'
import { inOurWords } from './own-words.ts'

const CODES: Record<FailureCode, ErrorCode> = {
  usage: 'usage',
  config: 'usage',
  'not-found': 'failed',
  'not-executable': 'failed',
  unreachable: 'unreachable',
  untrusted: 'untrusted',
  unavailable: 'unavailable',
  refused: 'denied',
  'unknown-token': 'denied',
  rejected: 'rejected',
  'too-large': 'failed',
  'not-consul': 'not-consul',
  unwritable: 'failed',
  exhausted: 'failed',
  precondition: 'failed',
  conflict: 'failed',
  malformed: 'failed',
  'timed-out': 'timed-out',
  failed: 'failed',
  local: 'failed',
}

/** The same as an error that a program's author understands; what is no failure of ours stays as it is. */
export function asLibraryError(thrown: unknown): unknown {
  if (!(thrown instanceof Failure)) return thrown
  const { code, message, hint, cause } = thrown
  return new ConsulLockerError(CODES[code], inOurWords(message), {
    hint: hint === undefined ? undefined : inOurWords(hint),
    ...(cause !== undefined && { cause }),
  })
}
