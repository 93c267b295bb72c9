import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { LOCK_CONTRADICTIONS, LOCK_OPTIONS, WAIT_OPTIONS } from '../../options/lock-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { option, type Values } from '../../syntax/option.ts'
import { duration } from '../../syntax/values.ts'

/** `consul-locker hold NAME` */
export const HOLD_SYNTAX = {
  summary: 'hold a lock without a command',
  usage: `consul-locker hold [options] NAME

Holds a lock without a command: waits for it, prints one line of JSON when it
is ours, and keeps it until its standard input ends, a signal comes, or
consul-locker release asks for it. For work that can't be one command. When the
lock is lost, hold only tells; a run (consul-locker NAME COMMAND) stops the
work.`,
  brief: `consul-locker hold [options] NAME

Holds a lock without a command, until the standard input ends.`,
  options: {
    ...WAIT_OPTIONS,
    for: option('Holding:', 'TIME', 'give up the lock after this time (0: never), with exit code 124', duration),
    ...LOCK_OPTIONS,
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ kind: 'lock' }],
  often: ['no-wait', 'wait', 'conflict-exit-code', 'for', 'key', 'http-addr', 'token-file', 'quiet'],
  contradictions: [['no-wait', 'wait'], ...LOCK_CONTRADICTIONS],
  examples: [
    'exec 9> >(consul-locker hold deploy >lock.json)   until 9 is closed',
    'consul-locker hold deploy --for 30m >lock.json &  for CI; release ends it',
  ],
  epilogue: `The line: {"name":"deploy","key":"consul-locker-deploy","session":"…",
"fence":88123,"runId":"…"}. Wait for it before you begin: docs/deploy.md has
recipes for shells and CI. The standard output ends when the lock does.

Where the standard input is /dev/null, a file or another job's terminal, its
end tells nothing, and --for is needed.

A lock that was lost, or kept longer than --for, stays closed for its
lock-delay, and so does one whose hold was killed: time to notice.

Exit codes: 0 it was given back, 1 it was not free, 6 it was lost, 124 --for is
over, 130 after Ctrl-C, 128+n when signal n ended the wait; 2, 3, 4 as for a
run.`,
} satisfies Syntax

export type HoldCommandOptions = Values<typeof HOLD_SYNTAX.options>
