import { OUTPUT_OPTIONS } from '../../../options/output-options.ts'
import type { Syntax } from '../../../syntax/command-syntax.ts'
import { onlyWord, option } from '../../../syntax/option.ts'
import { RUN_SYNTAX } from '../syntax.ts'

/** `consul-locker crontab`: its own options; beside them stand those of a run. */
export const CRONTAB_SYNTAX = {
  summary: 'print a run as a line of a crontab',
  usage: `consul-locker crontab --schedule '…' [run's options] <name> <command> [args…]

Prints the line of a crontab that runs the command under the lock: with full
paths, and quoted for cron and for its shell.`,
  options: {
    schedule: onlyWord(option('Crontab:', 'FIELDS', "when: '7 * * * *', @hourly; see crontab(5)")),
    user: onlyWord(option('Crontab:', 'USER', 'as whom; for a file of /etc/cron.d')),
    ...OUTPUT_OPTIONS,
  },
  operands: RUN_SYNTAX.operands,
  includes: RUN_SYNTAX,
  often: ['schedule', 'user'],
  examples: [
    "consul-locker crontab --schedule '7 * * * *' -q -n -E 0 report ./report",
    'consul-locker crontab --schedule @daily --user root backup backup --full',
  ],
  epilogue: `All options of a run stand in the line as they were given, with full paths for
files. Variables of this environment don't: cron doesn't know them.
Without --user the line is one for crontab -e.
cron mails what a job prints: --quiet leaves warnings and errors.

Exit codes: 0 printed; 2 what no crontab can hold (a line break), or what a run
would refuse; 126, 127 the command can't be executed, isn't there.`,
} satisfies Syntax
