import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { KEY_PREFIXES } from '../../options/key-prefixes.ts'
import { listenAddress } from '../../options/listen-address.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option } from '../../syntax/option.ts'
import { wholeNumber } from '../../syntax/values.ts'

/** Where the metrics are served by default. */
export const METRICS_ADDRESS = '127.0.0.1:9570'

/** `consul-locker metrics [PATTERN]` */
export const METRICS_SYNTAX = {
  summary: 'serve metrics of all locks for Prometheus',
  usage: `consul-locker metrics [PATTERN]

Serves metrics of all locks, or those whose names match, for Prometheus: who
holds and waits since when, how runs went, what is led and rolled out.`,
  options: {
    listen: option(
      'Metrics:',
      'ADDRESS',
      `host:port to serve at (${METRICS_ADDRESS})`,
      listenAddress(METRICS_ADDRESS),
      METRICS_ADDRESS,
    ),
    'secret-file': option('Metrics:', 'FILE', 'file with the bearer token of scrapes; needed off loopback'),
    once: flag('Metrics:', 'print them once instead, as for a textfile collector'),
    most: option('Metrics:', 'N', 'locks with series of their own (1000)', wholeNumber(0, 100_000), '1000'),
    prefix: { ...KEY_PREFIXES, group: 'Metrics:' },
    rollout: option('Metrics:', 'FILE', 'a rollout.yaml; its rollout, too'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ kind: 'lock' }],
  often: ['listen', 'secret-file', 'once', 'most', 'rollout'],
  contradictions: [
    ['once', 'secret-file'],
    ['once', 'listen'],
  ],
  examples: [
    `consul-locker metrics                        at http://${METRICS_ADDRESS}/metrics`,
    'consul-locker metrics --listen 10.0.0.5:9570 --secret-file S',
    "consul-locker metrics --once 'backup-*'",
  ],
  epilogue: `Consul is read when somebody scrapes, once a second at most.
consul_locker_up is 0 when that failed. Of more than --most locks the first by
their names have series; the others only count.

Exit codes: 0 told to end, or printed; 1 it can't listen there; 2, 3, 4 as for
a run.`,
} satisfies Syntax
