import type { FailureCode } from '../base/failure.ts'

/** Our own exit codes; all others are the child's. */
export const EXIT = {
  busy: 1,
  usage: 2,
  consul: 3,
  notConsul: 4,
  config: 5,
  lost: 6,
  unsettled: 7,
  bug: 70,
  unwritable: 74,
} as const

/** The exit code of every failure; the compiler finds the one that is missing. */
export const EXIT_OF_FAILURE: Record<FailureCode, number> = {
  usage: EXIT.usage,
  config: EXIT.config,
  'not-found': 127,
  'not-executable': 126,
  unreachable: EXIT.consul,
  untrusted: EXIT.consul,
  unavailable: EXIT.consul,
  refused: EXIT.consul,
  'unknown-token': EXIT.consul,
  rejected: EXIT.consul,
  'too-large': EXIT.consul,
  'not-consul': EXIT.notConsul,
  unwritable: EXIT.unwritable,
  exhausted: EXIT.usage,
  declined: EXIT.busy,
}

/** For the help. */
export const EXIT_CODES_TEXT = `Exit codes:
  the command's own; 128+n when signal n killed it; 127 not found, 126 not
  executable. Before it started, or instead of its code:
  1  the lock was not free, or a --gate shut (--no-wait, or --wait ran out)
  2  wrong usage or settings
  3  Consul can't be reached, refuses, or fails
  4  what answers is not Consul
  6  the lock was lost or given up, and the command was stopped for it
  7  the command succeeded, but --release-when didn't come to hold in time
  70 a bug of ours
  74 the output can't be written
  128+n signal n ended the wait`
