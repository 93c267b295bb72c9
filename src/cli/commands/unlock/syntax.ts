import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { LOCK_KEY } from '../../options/lock-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option, type Values } from '../../syntax/option.ts'
import { duration } from '../../syntax/values.ts'

/** `consul-locker unlock NAME` */
export const UNLOCK_SYNTAX = {
  summary: 'free a lock that somebody holds',
  usage: `consul-locker unlock NAME|--pattern GLOB [options]

Frees a lock that somebody holds: shows whom that hits and what comes of it, and
asks. Then it ends the holder's session, and only that: a run stops its command
at once, and nobody gets the lock until its lock-delay is over. With --yield the
holder is asked instead: its runner sends TERM to the command, waits for its
end, and gives the lock back, and the next one starts at once.`,
  brief: `consul-locker unlock NAME|--pattern GLOB [options]

Frees a lock that somebody holds: shows whom that hits, and asks.`,
  options: {
    yield: flag('Unlocking:', 'ask the holder to end and give it back, and wait until it has'),
    timeout: option('Unlocking:', 'TIME', 'with --yield: wait this long for it (60s)', duration, '60s'),
    holder: option('Unlocking:', 'WHO', 'only from this host, or from this session'),
    pattern: option('Unlocking:', 'GLOB', 'all locks with such names, but no leaders'),
    yes: flag('Unlocking:', 'without asking'),
    key: LOCK_KEY,
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ kind: 'lock' }],
  often: ['yield', 'holder', 'pattern', 'yes', 'key', 'http-addr', 'token-file'],
  needs: [['timeout', 'yield']],
  contradictions: [['pattern', 'key']],
  examples: [
    'consul-locker unlock backup --yield     TERM to its command; no lock-delay',
    'consul-locker unlock backup             at once, and closed for a while',
    "consul-locker unlock --pattern 'ci-*' --holder web3 --yes",
  ],
  epilogue: `Slots and readers have several holders: all of them, unless --holder says which.
A hold is told, and its users aren't stopped. A leader's lock is freed by
consul-locker leader step-down; unlock takes it by --key lock/NAME/leader.
Where another program holds the lock, it says what is known of that.

A runner of a version before 0.2 doesn't hear --yield; then the time runs out.
A run that was asked ends as after a TERM: with its command's code, 143 as a
rule. The request stands when the time is over, or after Ctrl-C.

Exit codes: 0 the one shown holds it no more, or nobody did; 1 you said no, the
holder has changed meanwhile (then nothing is done), --holder holds none, or the
time is over; 2 wrong usage, or nobody to be asked and no --yes; 6 with --yield:
it was lost before it was given back; 128+n signal n came; 3, 4 as for a run.`,
} satisfies Syntax

export type UnlockOptions = Values<typeof UNLOCK_SYNTAX.options>
