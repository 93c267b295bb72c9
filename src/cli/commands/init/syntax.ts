import type { InitAction } from '../../../init/role-rules.ts'
import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option } from '../../syntax/option.ts'
import { duration } from '../../syntax/values.ts'

/** The words behind `init`. */
const ACTIONS: Readonly<Record<InitAction, string>> = {
  start: 'start the services of a primary',
  stop: 'stop the services of a standby',
  restart: 'stop and start the services of a primary',
  'force-reload': 'the same, if any of them runs',
  status: "show the cluster's nodes and the local services",
  'start-primary': 'make the standby nodes primary',
  promote: 'do what the promote flag asks for',
  demote: 'do what the demote flag asks for',
}

/** `consul-locker init [-f FILE] ACTION` */
export const INIT_SYNTAX = {
  summary: 'start, stop and switch services that know their cluster',
  usage: `consul-locker init -f <file> [options] <action> [options]
consul-locker init <file> <action> [options]

A service script that knows its cluster. The file is its configuration, in
YAML, and runs by itself when it begins with #!/usr/local/bin/consul-locker init

  start          start the services of a primary node
  stop           stop the services of a standby node
  restart        stop and start those of a primary (force-reload: if any runs)
  status         show the cluster's nodes and the local services
  start-primary  make the standby nodes primary: run it on one of them
  promote        do what the promote flag asks for: a watch's handler
  demote         do what the demote flag asks for: a watch's handler`,
  options: {
    file: { ...option('Script:', 'FILE', 'the init script'), alias: 'f' },
    json: flag('status:', 'as one line of JSON'),
    force: flag('start-primary:', 'leave out a primary that Consul takes for dead'),
    'dead-after': option('start-primary:', 'TIME', 'or only when it was dead, or critical, for so long', duration),
    fenced: flag('start-primary:', 'nodes left out are switched off already: no fence_command'),
    node: option('start-primary:', 'NAME', 'only this standby becomes primary'),
    'dry-run': flag('start-primary:', 'say what would be done, and do nothing'),
    abort: flag('start-primary:', 'undo a switch that broke off'),
    'step-timeout': option('start-primary:', 'TIME', 'how long one step may take (90s, or as services need)', duration),
    'to-datacenter': option('start-primary:', 'NAME', 'only nodes of this datacenter become primary'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ kind: 'file', words: ACTIONS }, { words: ACTIONS }],
  often: ['file', 'force', 'dead-after'],
  contradictions: [
    ['force', 'dead-after'],
    ['abort', 'force'],
    ['abort', 'fenced'],
    ['abort', 'dead-after'],
    ['abort', 'to-datacenter'],
    ['abort', 'node'],
    ['abort', 'dry-run'],
  ],
  examples: ['consul-locker init -f /etc/cluster/web start', '/etc/init.d/web start-primary --dead-after 30s'],
  epilogue: `Exit codes are those of init scripts. status: 0 running, 3 stopped, 4 unknown.
Others: 0 done; 1 refused or failed; 2 wrong usage; 4 not permitted; 5 the
service or fence command is missing; 6 the script's configuration is wrong.`,
} satisfies Syntax
