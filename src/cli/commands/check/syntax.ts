import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option, type Values } from '../../syntax/option.ts'
import { duration, text } from '../../syntax/values.ts'

/** What may be checked. */
export const CHECK_KINDS = {
  service: 'a local service',
  servicegroup: 'several local services',
  process: 'processes by their command line',
  crontab: 'a job in a crontab',
} as const

/** `consul-locker check KIND` */
export const CHECK_SYNTAX = {
  summary: 'check a service for Consul, by its role in the cluster',
  usage: `consul-locker check [options] service|servicegroup|process|crontab

A script check for Consul that knows the cluster: a primary must run, a standby
must be stopped while a primary passes. Prints one line of JSON.`,
  options: {
    file: { ...option('Cluster:', 'FILE', 'an init script, which tells all of what follows'), alias: 'f' },
    'consul-service': {
      ...option('Cluster:', 'NAME', 'the Consul service'),
      alias: 'S',
      operand: { kind: 'service' },
    },
    'cluster-key': option(
      'Cluster:',
      'KEY',
      'the folder of the cluster keys (cluster/production)',
      text,
      'cluster/production',
    ),
    'service-filter': option('Cluster:', 'RE', 'of a whole datacenter only nodes with such names count'),
    'noop-file': { ...option('Cluster:', 'FILE', 'passes while this lockfile stands, until it expires'), alias: 'F' },
    'noop-expires': option('Cluster:', 'TIME', 'how long one counts that has no expiry inside (10m)', duration, '10m'),
    service: { ...option('service:', 'NAME', 'the local service, or several with commas between'), alias: 's' },
    'service-command': option('service:', 'COMMAND', 'systemctl, service, or a template with {service} and {action}'),
    process: { ...option('process:', 'TEXT', 'a text in the command line'), alias: 'P' },
    'process-re': { ...option('process:', 'RE', 'a regular expression for the command line'), alias: 'R' },
    'nagios-args': {
      ...option('process:', 'ARGS', 'arguments of check_procs that count: -w, -c, -C, -a, -u'),
      alias: 'n',
      takesDash: true,
    },
    user: { ...option('process:', 'NAME', 'of this user only; for crontab: whose it is'), alias: 'u' },
    pattern: { ...option('crontab:', 'TEXT', "a text in a job's line"), alias: 'p' },
    'update-roles': {
      ...flag('Standby:', 'make it primary if it runs while no primary passes'),
      alias: 'U',
    },
    nodns: flag('Standby:', 'keep the tag nodns on its service while it rests'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ words: CHECK_KINDS }],
  often: [
    'file',
    'consul-service',
    'noop-file',
    'service',
    'process',
    'process-re',
    'nagios-args',
    'user',
    'update-roles',
  ],
  examples: [
    'consul-locker check service -f /etc/init.d/web',
    "consul-locker check process -S web -P 'nginx: master'",
    "consul-locker check process -S web -n '-C nginx -w 2:9 -c 1:'",
  ],
  epilogue: `With -P or -R, checks of other kinds pass while such a process runs.

Exit codes are Consul's: 0 passing, 1 warning, 2 critical. A check that can't
tell, because Consul doesn't answer or the call is wrong, is critical.`,
} satisfies Syntax

export type CheckCommandOptions = Values<typeof CHECK_SYNTAX.options>
