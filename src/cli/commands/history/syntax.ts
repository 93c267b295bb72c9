import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { LOCK_KEY } from '../../options/lock-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag } from '../../syntax/option.ts'

/** `consul-locker history` */
export const HISTORY_SYNTAX = {
  summary: 'show the last runs under a lock',
  usage: `consul-locker history NAME

Prints the last twenty runs under a lock, the newest at the bottom: when, where,
for how long, and how each ended. Times are in UTC, by the clock of the machine
that ran it.`,
  options: {
    json: flag('Output:', 'print it as JSON'),
    key: LOCK_KEY,
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ kind: 'lock' }],
  often: ['json', 'key', 'http-addr'],
  examples: ['consul-locker history backup'],
  epilogue: 'Exit codes: 0; 1 what stands there is no history; 2, 3, 4 as for a run.',
} satisfies Syntax
