import { Failure } from '../../../base/failure.ts'
import { type MonitorTarget, tcpTarget, urlTarget } from '../../../discovery/monitor-target.ts'
import { parseServiceInfo } from '../../../discovery/service-info.ts'
import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { INSTANCE_OPTIONS } from '../../options/instance-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { option, type Parse, type Values } from '../../syntax/option.ts'
import { duration } from '../../syntax/values.ts'

const SHORTEST_INTERVAL_MS = 100

const interval: Parse<number> = (text, name) => {
  const ms = duration(text, name)
  if (ms >= SHORTEST_INTERVAL_MS) return ms
  throw new Failure('usage', '--interval must be 100ms or more')
}

const timeout: Parse<number> = (text, name) => {
  const ms = duration(text, name)
  if (ms > 0) return ms
  throw new Failure('usage', '--timeout must be more than nothing')
}

const address: Parse<string> = (text) => {
  if (/^[A-Za-z0-9._:-]{1,253}$/.test(text)) return text
  throw new Failure('usage', `--address ${JSON.stringify(text.slice(0, 100))} is no address`, {
    hint: 'an IP address or a host name, without a port',
  })
}

const commandTarget: Parse<MonitorTarget> = (line) => ({ kind: 'command', line })

/** `consul-locker monitor` */
export const MONITOR_SYNTAX = {
  summary: 'keep a service registered in Consul while it is healthy',
  usage: `consul-locker monitor --label L [--service-id ID] --monitor-url URL

Keeps a service registered in Consul while it is healthy, and only then. Runs
beside the service, as a systemd unit of Type=notify for instance.`,
  options: {
    ...INSTANCE_OPTIONS,
    'service-info': option('Service:', 'JSON', 'its port and meta data, as JSON (see below)', parseServiceInfo),
    address: option('Service:', 'ADDRESS', "where it is (the node's own address)", address),
    'monitor-url': option('Health:', 'URL', 'healthy while this answers 2xx; no redirects', urlTarget),
    'monitor-tcp': option('Health:', 'ADDRESS', 'healthy while host:port accepts connections', tcpTarget),
    'monitor-command': option('Health:', 'LINE', 'healthy while this ends with 0; /bin/sh runs it', commandTarget),
    interval: option('Health:', 'TIME', 'look this often (5s)', interval, '5s'),
    timeout: option('Health:', 'TIME', 'and wait so long for an answer (3s, less for shorter intervals)', timeout),
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
lease (consul-locker lease) ends. When the monitor dies, Consul takes the
instance for dead after twice the interval, and forgets it after a minute.
READY=1 goes to systemd when the service is healthy for the first time.

Exit codes: 0 told to end (TERM, INT), and the instance was taken out; 2, 3, 4
as for a run.`,
} satisfies Syntax

export type MonitorCommandOptions = Values<typeof MONITOR_SYNTAX.options>
