import { CONSUL_OPTIONS, OUTPUT_OPTIONS, option } from './options.ts'
import type { Syntax } from './parse.ts'

/** `consul-locker leader -f FILE` and `consul-locker leader WORD NAME` */
export const LEADER_SYNTAX: Syntax = {
  usage: `consul-locker leader [-f] <file> [options]
consul-locker leader <word> <name> [options]

Failover for a master/slave application: one agent on each of its nodes. The
file is its configuration, in YAML, and runs by itself when it begins with
#!/usr/local/bin/consul-locker leader

  status       who is master, and how the others stand
  members      the nodes, one a line
  step-down    have the master hand over to another node
  disable      take a node out; a master hands over first
  enable       bring it back
  maintenance  nobody is promoted or demoted, until it expires
  unfreeze     go on after too many failovers`,
  options: {
    file: { ...option('Agent:', 'FILE', 'the configuration'), alias: 'f' },
    node: option('Words:', 'NAME', "the node (this agent's own; for maintenance: all)"),
    json: option('Words:', 'boolean', 'status, members: as JSON'),
    watch: option('Words:', 'boolean', 'status: follow it on a terminal'),
    for: option('Words:', 'TIME', 'maintenance: for so long (1h)'),
    off: option('Words:', 'boolean', 'maintenance: end it'),
    force: option('Words:', 'boolean', 'step-down: even before min_leader_time'),
    timeout: option('Words:', 'TIME', 'step-down, disable: wait so long for the new master (60s)'),
    'lock-key': option('Words:', 'KEY', 'its lock_key (lock/<name>/leader)'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  often: ['node', 'watch'],
  contradictions: [
    ['off', 'for'],
    ['watch', 'json'],
  ],
  examples: ['consul-locker leader -f /etc/redis/leader.yaml', 'consul-locker leader status redis --watch'],
  epilogue: `Exit codes: 0 done; 1 refused, or it did not come about in time; 2 wrong usage;
3 Consul fails; 4 not Consul; 5 the file is wrong; 6 the application was master
and could be neither demoted nor fenced.`,
}
