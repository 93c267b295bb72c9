import type { FailureCode } from '../base/failure.ts'
import { shellStatus } from '../child/exit-status.ts'
import type { Health } from '../consul/health.ts'
import type { ServiceState } from '../init/local-services.ts'
import type { RunOutcome } from '../run/run-outcome.ts'

/** Our own exit codes; all others are the child's. */
export const EXIT = {
  done: 0,
  /** What was asked is not so, or was tried and failed. */
  no: 1,
  busy: 1,
  usage: 2,
  consul: 3,
  notConsul: 4,
  config: 5,
  lost: 6,
  unsettled: 7,
  unprepared: 8,
  bug: 70,
  unwritable: 74,
  /** As timeout(1) has it. */
  timedOut: 124,
  notExecutable: 126,
  notFound: 127,
  /** Of SIGINT: a shell stops its script when we end as it does. */
  interrupted: 130,
} as const

/** Of a script check, as Consul reads it: https://developer.hashicorp.com/consul/docs/services/usage/checks */
export const CHECK_EXIT = { passing: 0, warning: 1, critical: 2 } as const satisfies Record<Health, number>

/** Of a check that Nagios runs: https://nagios-plugins.org/doc/guidelines.html */
export const NAGIOS_EXIT = { ok: 0, critical: 2, unknown: 3 } as const

/** https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/iniscrptact.html */
export const LSB_EXIT = {
  failed: 1,
  usage: 2,
  notPermitted: 4,
  notInstalled: 5,
  notConfigured: 6,
} as const

/** Of its action `status`: how the services are. */
export const LSB_STATUS_EXIT = { running: 0, stopped: 3, unknown: 4 } as const satisfies Record<ServiceState, number>

/** Of `rollout pending`, as the original had them: whether an update is. */
export const PENDING_EXIT = { yes: 0, no: 1, silence: 2, nothing: 3 } as const

/** Of `rollout health`: how many checks fail, up to this many; what is above are our own codes, counted from here. */
export const MOST_FAILING_CHECKS = 100

/** The exit code of every failure; the compiler finds the one that is missing. */
export const EXIT_OF_FAILURE: Record<FailureCode, number> = {
  usage: EXIT.usage,
  config: EXIT.config,
  'not-found': EXIT.notFound,
  'not-executable': EXIT.notExecutable,
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
  precondition: EXIT.no,
  conflict: EXIT.no,
  malformed: EXIT.no,
  'timed-out': EXIT.no,
  failed: EXIT.no,
  local: EXIT.no,
}

/** Exit codes that the user may choose. */
export interface ChosenCodes {
  /** Of a lock that isn't free. */
  readonly busy: number
  /** Of a run that wasn't due. */
  readonly skipped: number
}

/** The exit code of a run that came to this end. */
export function exitCodeOf(outcome: RunOutcome, chosen: ChosenCodes): number {
  switch (outcome.kind) {
    case 'ran':
      return shellStatus(outcome.status)
    case 'busy':
    case 'unready':
      return chosen.busy
    case 'skipped':
      return chosen.skipped
    case 'interrupted':
      return shellStatus({ signal: outcome.signal })
    case 'unprepared':
      return EXIT.unprepared
    case 'lost':
      return EXIT.lost
    case 'timed-out':
      return EXIT.timedOut
    case 'unsettled':
      return EXIT.unsettled
  }
}

/** What the codes mean that most commands share with a run. */
export const SHARED_EXITS: Readonly<Record<string, string>> = {
  2: 'wrong usage or settings',
  3: "Consul can't be reached, refuses, or fails",
  4: 'what answers is not Consul',
  5: 'a configuration file is wrong',
  126: "the command can't be executed",
  127: "the command isn't there",
}

/** For the help. */
export const EXIT_CODES_TEXT = `Exit codes:
  the command's own; 128+n when signal n killed it; 127 not found, 126 not
  executable. Before it started, or instead of its code:
  0     skipped: it was not time to run again (--skip-code)
  1     the lock was not free, or a --gate shut (--no-wait, or --wait ran out)
  2     ${SHARED_EXITS[2]}
  3     ${SHARED_EXITS[3]}
  4     ${SHARED_EXITS[4]}
  6     the lock was lost or given up, and the command was stopped for it
  7     the command succeeded, but --release-when didn't come to hold in time
  8     --on-acquire failed, and the command did not start
  70    a bug of ours
  74    the output can't be written
  124   the command had run for --max-runtime, and was ended
  128+n signal n ended the wait`
