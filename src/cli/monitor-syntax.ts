import { INSTANCE_OPTIONS } from './instance-words.ts'
import { CONSUL_OPTIONS, OUTPUT_OPTIONS, option } from './options.ts'
import type { Syntax } from './parse.ts'

/** `consul-locker monitor` */
export const MONITOR_SYNTAX: Syntax = {
  usage: `consul-locker monitor --label L [--service-id ID] --monitor-url URL

Keeps a service registered in Consul while it is healthy, and only then. Runs
beside the service, as a systemd unit of Type=notify for instance.`,
  options: {
    ...INSTANCE_OPTIONS,
    'service-info': option('Service:', 'JSON', 'its port and meta data, as JSON (see below)'),
    address: option('Service:', 'ADDRESS', "where it is (the node's own address)"),
    'monitor-url': option('Health:', 'URL', 'healthy while this answers 2xx; no redirects'),
    'monitor-tcp': option('Health:', 'ADDRESS', 'healthy while host:port accepts connections'),
    'monitor-command': option('Health:', 'LINE', 'healthy while this ends with 0; /bin/sh runs it'),
    interval: option('Health:', 'TIME', 'look this often (5s)'),
    timeout: option('Health:', 'TIME', 'and wait so long for an answer (3s, less for shorter intervals)'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  often: ['label', 'service-id', 'service-info', 'monitor-url', 'monitor-tcp', 'monitor-command', 'interval'],
  examples: [
    'consul-locker monitor --label web --monitor-url http://127.0.0.1:8080/health',
    'consul-locker monitor --label es --service-id es-1 \\',
    `  --monitor-url http://127.0.0.1:9200 --service-info '{"http_port": 9200}'`,
    "consul-locker monitor --label db --monitor-command 'pg_isready -q'",
  ],
  epilogue: `The port in --service-info is port, http_port or transport_port; all else
there is meta data.

The instance is L:ID in Consul. Each time that it becomes healthy, its start-up
lease (consul-locker lease) ends. Should the monitor die, Consul takes the
instance for dead after twice the interval, and forgets it after a minute.
READY=1 goes to systemd when the service is healthy for the first time.

Exit codes: 0 told to end (TERM, INT), and the instance was taken out; 2, 3, 4
as for a run.`,
}
