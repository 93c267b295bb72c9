import { OUTPUT_OPTIONS } from '../../../options/output-options.ts'
import type { Syntax } from '../../../syntax/command-syntax.ts'
import { flag, onlyWord } from '../../../syntax/option.ts'
import { RUN_SYNTAX } from '../syntax.ts'

/** `consul-locker explain`: its own options; beside them stand those of a run. */
export const EXPLAIN_SYNTAX = {
  summary: 'say in numbers what a run promises',
  usage: `consul-locker explain [--json|--svg] [run's options] [<name> <command> [args…]]

Says what a run with these options promises, in numbers: when its command is
told to end, when it is dead, and when somebody else may have the lock.`,
  options: {
    json: onlyWord(flag('Explain:', 'print it as JSON')),
    svg: onlyWord(flag('Explain:', 'print the timeline as a picture')),
    ...OUTPUT_OPTIONS,
  },
  operands: RUN_SYNTAX.operands,
  includes: RUN_SYNTAX,
  often: ['json', 'svg'],
  contradictions: [['json', 'svg']],
  examples: [
    'consul-locker explain',
    'consul-locker explain --ttl 30s --kill-after 10s backup ./backup',
    'consul-locker explain --svg > timeline.svg',
  ],
  epilogue: `It takes all options of a run, from the environment, too, and refuses what a run
would refuse. It starts nothing, and asks neither Consul nor anybody else.

Exit codes: 0 explained; 2 what a run would refuse; 126, 127 the command can't
be executed, isn't there.`,
} satisfies Syntax
