import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag } from '../../syntax/option.ts'

/** `consul-locker help [COMMAND]` */
export const HELP_SYNTAX = {
  summary: 'show the manual page of a command',
  usage: `consul-locker help [options] [<command>]

Shows the page of the manual about a command, or without one that of the whole.
On a terminal by $PAGER or less, if it is there. It is the page that man shows
where it is installed: man consul-locker-run.`,
  options: {
    roff: flag('Form:', 'print it as man takes it'),
    all: flag('Form:', 'all pages, one behind the other'),
    ...OUTPUT_OPTIONS,
  },
  operands: [{ kind: 'ours' }],
  often: ['roff', 'all'],
  examples: ['consul-locker help run', 'consul-locker help --roff leader > consul-locker-leader.1'],
  epilogue: 'Exit codes: 0 shown; 2 there is no such command.',
} satisfies Syntax
