import { OUTPUT_OPTIONS } from '../../../options/output-options.ts'
import type { Syntax } from '../../../syntax/command-syntax.ts'
import { onlyWord, option } from '../../../syntax/option.ts'
import { RUN_SYNTAX } from '../syntax.ts'

/** `consul-locker unit`: its own options; beside them stand those of a run. */
export const UNIT_SYNTAX = {
  summary: 'print a run as units of systemd',
  usage: `consul-locker unit [--on-calendar …] [run's options] <name> <command> [args…]

Prints a service for systemd that runs the command under the lock, with its
timer if there is an --on-calendar: full paths, and quoted for systemd.`,
  options: {
    'on-calendar': onlyWord(option('Unit:', 'TIME', "when: hourly, '*-*-* 03:30'; see systemd.time(7)")),
    user: onlyWord(option('Unit:', 'USER', 'as whom it runs')),
    directory: onlyWord(option('Unit:', 'DIR', 'write the files there instead of printing them')),
    ...OUTPUT_OPTIONS,
  },
  operands: RUN_SYNTAX.operands,
  includes: RUN_SYNTAX,
  often: ['on-calendar', 'user', 'directory'],
  examples: [
    'consul-locker unit --on-calendar hourly -n -E 75 report ./report',
    'consul-locker unit --directory /etc/systemd/system mailer ./mailer',
  ],
  epilogue: `With --on-calendar it is a job that the timer starts. Without, it is a service
that runs on one machine while those of the other machines wait for the lock:
they are "activating" until it is theirs, and say whom they wait for in
systemctl status. A -E N is no failure to systemd.
All options of a run stand in ExecStart as they were given, with full paths for
files. Variables of this environment don't.

Exit codes: 0 done; 1 the files can't be written; 2 what a run would refuse;
126, 127 the command can't be executed, isn't there.`,
} satisfies Syntax
