import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { LOCK_KEY } from '../../options/lock-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option } from '../../syntax/option.ts'
import { period } from '../../syntax/values.ts'

/** `consul-locker status` */
export const STATUS_SYNTAX = {
  summary: 'show whether a lock is held, by whom, and how its runs went',
  usage: `consul-locker status NAME

Prints all about one lock (or slots): who holds it, and since when; who
waits; whether it is paused; when its command last succeeded and failed; and a
bar for each of its last runs, as long as that was (NO_COLOR is heeded).`,
  options: {
    'max-age': option('Monitoring:', 'TIME', 'be a Nagios check: critical without a success this young', period),
    json: flag('Output:', 'print it as JSON'),
    key: LOCK_KEY,
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ kind: 'lock' }],
  often: ['max-age', 'json', 'key', 'http-addr'],
  contradictions: [['max-age', 'json']],
  examples: [
    'consul-locker status backup',
    'consul-locker status backup --max-age 26h   has it succeeded since yesterday?',
  ],
  epilogue: `Exit codes: 0; 1 its history can't be read, all else is told; 2, 3, 4 as for a
run.
With --max-age: 0 OK; 2 CRITICAL: no success, or an older one; 3 UNKNOWN. The
age counts from the end of the last success, by this machine's clock.`,
} satisfies Syntax
