import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { LOCK_KEY } from '../../options/lock-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { option } from '../../syntax/option.ts'
import { duration } from '../../syntax/values.ts'

/** `consul-locker release NAME --run ID` */
export const RELEASE_SYNTAX = {
  summary: 'ask a hold to give its lock back',
  usage: `consul-locker release NAME --run ID [options]

Asks the consul-locker hold that has a lock to give it back, from any machine,
and waits until it has. ID is the runId of the line that hold printed. It
touches nobody else's lock, and takes none from work that goes on under it.`,
  options: {
    run: option('Release:', 'ID', 'the run that holds the lock'),
    timeout: option('Release:', 'TIME', 'wait this long for the answer (60s)', duration, '60s'),
    key: LOCK_KEY,
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ kind: 'lock' }],
  often: ['run', 'timeout', 'key', 'http-addr', 'token-file', 'quiet'],
  examples: ['consul-locker release deploy --run 9ab98b35-3735-4010-a43b-bfe24e300793'],
  epilogue: `Exit codes: 0 that run has held it until now, and has given it back; 1 it
doesn't hold it (any more), runs a command, or doesn't answer; 6 the lock was
lost meanwhile; 128+n when signal n ended the wait; 2, 3, 4 as for a run.`,
} satisfies Syntax
