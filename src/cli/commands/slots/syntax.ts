import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { LOCK_KEY } from '../../options/lock-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'

/** `consul-locker slots NAME [N]` */
export const SLOTS_SYNTAX = {
  summary: 'show who has the slots of a lock, or change their number',
  usage: `consul-locker slots [options] <name> [n]

Shows who has the slots of <name>, or changes how many there are, while runs
with --slots have some. With fewer than are taken, nobody comes in before
enough of them have gone; waiting runs follow the change.`,
  options: {
    key: LOCK_KEY,
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ kind: 'lock' }],
  often: ['key', 'http-addr'],
  examples: [
    'consul-locker slots web        2 of 3 slots of web taken, 1 in line',
    'consul-locker slots web 4      from now on there are 4',
  ],
  epilogue: `Exit codes: 0 shown, or changed; 1 not changed, for nobody has a slot; 2 (also)
the name is that of a plain lock, or of data; 2, 3, 4 as for a run.`,
} satisfies Syntax
