import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { LABEL_OPTION } from '../../options/instance-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option, type Values } from '../../syntax/option.ts'
import { duration, text, wholeNumber } from '../../syntax/values.ts'

/** `consul-locker hosts` */
export const HOSTS_SYNTAX = {
  summary: "print the addresses of a service's healthy instances",
  usage: `consul-locker hosts --label L

Prints the addresses of a service's healthy instances: sorted, on one line,
with commas between. Or keeps a file like that, and runs a command when it
changes: hosts --label L --watch --output FILE -- command…`,
  brief: `consul-locker hosts --label L [--watch [-- command…]]

Prints the addresses of a service's healthy instances, or keeps a file of them.`,
  options: {
    ...LABEL_OPTION,
    'exclude-self': flag('Which:', 'none of this node'),
    min: option('Which:', 'N', 'fail with fewer than these (1)', wholeNumber(1, 100_000), '1'),
    wait: option('Which:', 'TIME', 'wait so long for them, e.g. 60s', duration, '0'),
    port: option('Form:', 'N', 'put this port behind every address', wholeNumber(1, 65_535)),
    format: option('Form:', 'FORM', "another form for each, e.g. 'http://{address}:{port}'"),
    separator: option('Form:', 'TEXT', 'what stands between them (,)', text, ','),
    json: flag('Form:', 'a list with address, port, node, id, tags and meta of each'),
    watch: flag('Change:', 'go on, and act on every change: --output, or the command'),
    output: option('Change:', 'FILE', 'the list goes into this file, not to standard output'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  often: ['label', 'exclude-self', 'min', 'wait', 'port', 'format', 'separator', 'json', 'watch', 'output'],
  contradictions: [
    ['watch', 'wait'],
    ['json', 'format'],
    ['json', 'separator'],
  ],
  examples: [
    'consul-locker hosts --label es --port 9300       10.0.0.1:9300,10.0.0.2:9300',
    'consul-locker hosts --label es --wait 5m --min 3 --exclude-self',
    'consul-locker hosts --label es --watch --output /etc/es.hosts -- ./reload',
  ],
  epilogue: `A format may have {address}, {port}, {node} and {id}.

With --watch the list is acted on at the start and whenever it has changed and
then been still for a second (after 10 s at the latest): the file is replaced as
a whole, if it has another list, and then the command runs, for 5 minutes at
most, with the list in CONSUL_LOCKER_HOSTS. If that fails it is tried again,
with pauses of up to a minute. It never runs twice at once. With fewer hosts
than --min, and while Consul is away, all stays as it is.

Exit codes: 0 here they are; 1 too few, and nothing is printed or written; 2, 3,
4 as for a run; 74 the list can't be written; 128+n signal n ended the watch.`,
} satisfies Syntax

export type HostsCommandOptions = Values<typeof HOSTS_SYNTAX.options>
