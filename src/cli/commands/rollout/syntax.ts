import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option, type Values } from '../../syntax/option.ts'

/** The words behind `rollout`, and what each does. */
export const ROLLOUT_SUMMARIES = {
  trigger: 'set the version that all hosts shall run',
  step: 'upgrade this host if it is its turn',
  pause: 'hold up everything, a role or a host',
  resume: 'end a pause',
  forget: "drop a host that won't come back",
  status: 'show who runs it, is at work, has failed, waits',
  current: 'print the version that was triggered',
  pending: 'tell whether there is an update for this host',
  local: 'print what this host runs, or write that down',
  record: 'tell Consul what this host runs',
  report: 'tell Consul how upgrade or validation ended',
  ping: 'tell whether Consul answers and has a leader',
  running: 'print all versions that run somewhere',
  'hosts-at': 'print the hosts that run a version',
  verify: 'tell whether the hosts on standard input run a version',
  'check-single': 'tell whether a version runs, and no other',
  health: "show this host's failing checks",
  failures: 'show failing checks anywhere, and failed upgrades',
}

/** `consul-locker rollout WORD` */
export const ROLLOUT_SYNTAX = {
  summary: 'bring all hosts to one version, so many at a time',
  usage: `consul-locker rollout [options] <word> [arguments]

Brings all hosts to one version, so many at a time.

  trigger <version>       the version that all hosts shall run, from now on
  step -f rollout.yaml    upgrade this host if it is its turn; for cron
  pause, resume           everything, or --role R, or --host H
  forget <host>           a host that won't come back, or whose failure is past

  status [-f FILE]        who runs it, is at work, has failed, waits and why
  current                 the version that was triggered
  pending                 is there an update for this host?
  local [version]         what this host runs; or write that down
  record [version]        tell Consul that this host runs it, or its local one
  report <check> <code>   tell Consul how upgrade or validation ended
  ping                    does Consul answer, and has it a leader?
  running                 all versions that run somewhere
  hosts-at <version>      the hosts that run it
  verify <version>        do all hosts on the standard input run it?
  check-single <version>  does it run, and no other?
  health                  this host's failing checks
  failures                failing checks anywhere, and failed upgrades`,
  options: {
    file: { ...option('Rollout:', 'FILE', 'rollout.yaml; other words take only prefix and such of it'), alias: 'f' },
    prefix: option('Rollout:', 'FOLDER', 'a folder for all keys (none)'),
    'version-file': option('Rollout:', 'FILE', 'where this host keeps its version (/etc/current_version)'),
    host: option('Rollout:', 'NAME', "this host's name; for pause and resume: that host"),
    role: option('Rollout:', 'NAME', 'for pause and resume: the hosts of this role'),
    force: flag('trigger:', 'only limits, slots, gates and pauses hold it back'),
    'dry-run': flag('step:', 'say what it would do, and do nothing'),
    hosts: flag('failures:', 'name hosts and checks'),
    warnings: flag('failures:', 'warnings of other checks count, too'),
    watch: flag('status:', 'until all hosts run the version'),
    'exit-on-failure': flag('status:', 'with --watch: ends with 1 when failures have stopped it'),
    prometheus: flag('status:', 'as text for Prometheus'),
    json: flag('Output:', 'answer as one line of JSON'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  contradictions: [
    ['prometheus', 'json'],
    ['prometheus', 'watch'],
  ],
  files: { '/etc/current_version': 'the version that this host runs' },
  operands: [{ words: ROLLOUT_SUMMARIES }],
  often: ['file', 'host', 'role', 'force', 'watch', 'json'],
  brief: `consul-locker rollout [options] <word> [arguments]

Brings all hosts to one version, so many at a time.

  trigger <version>       the version that all hosts shall run, from now on
  step -f rollout.yaml    upgrade this host if it is its turn; for cron
  pause, resume           everything, or --role R, or --host H
  status, forget <host>, current, running, failures, pending, local, health,
  hosts-at, verify and check-single <version>, record, report, ping`,
  needs: [['exit-on-failure', 'watch']],
  examples: [
    'consul-locker rollout trigger 2.1.0',
    '* * * * *  consul-locker rollout step -q -f /etc/rollout.yaml',
    'consul-locker rollout status --watch',
  ],
  epilogue: `Exit codes:
  pending   0 yes; 1 no; 2 Consul doesn't answer (or wrong usage); 3 the same,
            and there is no local version; or no version was triggered yet
  health    how many checks fail, 100 for more; 101 there is no such node;
            our own codes 2 to 5 (see below) are 102 to 105 here
  current   1 no version was triggered yet
  verify, check-single, failures, status
            0 all is well; 1 it isn't
  ping      1 Consul doesn't answer, or has no leader
  forget    1 nothing is recorded of that host, or it is at work
  step      0 done, nothing to do, or not this host's turn yet; 1 upgrade or
            validation failed; 6 the slots were lost, and what ran was stopped;
            128+n signal n ended it. With --json the answer is the last line,
            behind what the commands write
  all       2 wrong usage; 3 Consul can't be reached, refuses, or fails; 4 what
            answers is not Consul; 5 the file is wrong`,
} satisfies Syntax

export type RolloutCommandOptions = Values<typeof ROLLOUT_SYNTAX.options>
