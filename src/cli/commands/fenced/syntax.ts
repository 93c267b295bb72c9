import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'

/** `consul-locker fenced put KEY VALUE` */
export const FENCED_SYNTAX = {
  summary: 'write a key of Consul, but only while the lock is ours',
  usage: `consul-locker fenced [options] put <key> <value>

Inside a run: writes a key of Consul's, but only while the lock is ours. Check
and write are one transaction, so a holder that was cut off can't write.`,
  options: { ...CONSUL_OPTIONS, ...OUTPUT_OPTIONS },
  operands: [{ words: { put: 'write a value at a key' } }],
  often: [],
  examples: ['consul-locker fenced put config/primary "$(hostname)"'],
  epilogue: 'Exit codes: 0 written; 6 the lock is not ours, nothing was written; 2, 3, 4\nas for a run.',
} satisfies Syntax
