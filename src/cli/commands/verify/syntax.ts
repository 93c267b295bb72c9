import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { option } from '../../syntax/option.ts'
import { duration } from '../../syntax/values.ts'

/** `consul-locker verify` */
export const VERIFY_SYNTAX = {
  summary: 'ask inside a run whether the lock is still ours',
  usage: `consul-locker verify [options]

Inside a run: is the lock still ours? The runner itself answers, without a trip
to Consul; if it doesn't, Consul does.`,
  options: {
    remaining: option('Question:', 'TIME', 'and will it be for this long, whatever happens, e.g. 5s?', duration, '0'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  often: ['remaining'],
  examples: ['consul-locker verify --remaining 5s && ./irreversible-step'],
  epilogue: 'Exit codes: 0 it is; 6 it is not, or not for long enough; 2, 3, 4 as for a run.',
} satisfies Syntax
