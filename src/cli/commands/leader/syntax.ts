import type { CommandRequest } from '../../invocation/subcommand.ts'
import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option } from '../../syntax/option.ts'
import { duration, period } from '../../syntax/values.ts'

/** So long a new master is waited for, unless `--timeout` says otherwise. */
export const DEFAULT_TIMEOUT_MS = 60_000
/** So long a maintenance is, unless `--for` says otherwise. */
export const DEFAULT_MAINTENANCE_MS = 3_600_000

/** The words behind `leader`, and what each does. */
export const LEADER_WORDS = {
  status: 'show who is master',
  members: 'show the nodes',
  history: 'show who was master when',
  'step-down': 'have the master hand over',
  switchover: 'have the master hand over, to a node or at a time',
  promote: 'have a node lead though it is not ready',
  reinit: "replace a node's data by the master's",
  disable: 'take a node out',
  enable: 'bring a node back',
  maintenance: 'have nobody promoted or demoted for a while',
  unfreeze: 'forget the failovers of the last hour',
  test: 'try whether a handler keeps its promises',
}

/** `consul-locker leader -f FILE` and `consul-locker leader WORD NAME` */
export const LEADER_SYNTAX = {
  summary: 'fail over a master/slave application',
  usage: `consul-locker leader [-f] <file> [options]
consul-locker leader <word> <name> [options]

Failover for a master/slave application: one agent on each of its nodes. The
file is its configuration, in YAML, and runs by itself when it begins with
#!/usr/local/bin/consul-locker leader

  status, members, history  who is master; the nodes; who was master when
  step-down, switchover     have the master hand over, to a --candidate, --at T
  promote <name> <node>     have a node lead though it is not ready
  reinit <name> <node>      replace a node's data by the master's
  disable, enable           take a node out, a master hands over; bring it back
  maintenance               nobody is promoted or demoted, until it expires
  unfreeze                  forget the failovers of the last hour`,
  options: {
    file: { ...option('Agent:', 'FILE', 'the configuration'), alias: 'f' },
    node: option('Words:', 'NAME', "the node (this agent's own; for maintenance: all)"),
    candidate: option('Words:', 'NODE', 'switchover: who is to be master'),
    at: option('Words:', 'TIME', 'switchover: then, as 2026-11-30T03:00, or 03:00 for the next one'),
    in: option('Words:', 'TIME', 'switchover: after so long', period),
    cancel: flag('Words:', 'switchover: cancel the scheduled one'),
    json: flag('Words:', 'status, members, history: as JSON'),
    watch: flag('Words:', 'status: follow it on a terminal'),
    for: option('Words:', 'TIME', 'maintenance: for so long (1h)', period),
    off: flag('Words:', 'maintenance: end it'),
    force: flag('Words:', 'even before min_leader_time, without a successor, or without an agent there'),
    timeout: option('Words:', 'TIME', 'wait so long for the new master (60s)', duration),
    'accept-loss': flag('Words:', 'promote: what the node lacks may be lost'),
    yes: flag('Words:', 'test, promote, reinit: without asking'),
    'lock-key': option('Words:', 'KEY', 'its lock_key (lock/<name>/leader)'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ words: LEADER_WORDS, kind: 'file' }, { kind: 'leader' }],
  often: ['node', 'watch'],
  contradictions: [
    ['off', 'for'],
    ['watch', 'json'],
    ['at', 'in'],
    ['cancel', 'candidate'],
    ['cancel', 'at'],
    ['cancel', 'in'],
  ],
  examples: ['consul-locker leader -f /etc/redis/leader.yaml', 'consul-locker leader status redis --watch'],
  epilogue: `consul-locker leader test -f FILE [--yes] tries whether what drives the
application keeps its promises: docs/leader-handlers.md.

Exit codes: 0 done; 1 refused, or it did not come about in time, or the agent
can't listen at its api; 2 wrong usage; 3 Consul fails; 4 not Consul; 5 the file
is wrong; 6 the application was master and could be neither demoted nor fenced.`,
} satisfies Syntax

export type LeaderRequest = CommandRequest<typeof LEADER_SYNTAX.options>
