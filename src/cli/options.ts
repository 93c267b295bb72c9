import type { Options } from 'yargs'

/** How to reach Consul; every command that talks to it takes these. */
export const CONSUL_OPTIONS = {
  'http-addr': option('Consul:', 'string', 'the agent: host:port, https://… or unix://… (CONSUL_HTTP_ADDR)'),
  token: option('Consul:', 'string', 'ACL token (CONSUL_HTTP_TOKEN)'),
  'token-file': option('Consul:', 'string', 'file with the ACL token; overrides --token (CONSUL_HTTP_TOKEN_FILE)'),
  datacenter: option('Consul:', 'string', "another datacenter than the agent's"),
  namespace: option('Consul:', 'string', 'Enterprise namespace (CONSUL_NAMESPACE)'),
  partition: option('Consul:', 'string', 'Enterprise admin partition (CONSUL_PARTITION)'),
  'ca-file': option('TLS:', 'string', 'trust the CAs in this PEM file (CONSUL_CACERT)'),
  'ca-path': option('TLS:', 'string', 'trust the CAs in this directory (CONSUL_CAPATH)'),
  'client-cert': option('TLS:', 'string', 'client certificate, PEM (CONSUL_CLIENT_CERT)'),
  'client-key': option('TLS:', 'string', "the client certificate's key (CONSUL_CLIENT_KEY)"),
  'tls-server-name': option('TLS:', 'string', 'expect this name in its certificate (CONSUL_TLS_SERVER_NAME)'),
} as const satisfies Record<string, Options>

/** How we talk; every command takes these. */
export const OUTPUT_OPTIONS = {
  'log-format': { ...option('Output:', 'string', 'how we talk on stderr'), choices: ['text', 'json'] },
  quiet: { ...option('Output:', 'boolean', 'only warnings and errors on stderr'), alias: 'q' },
  help: { ...option('Output:', 'boolean', 'show this help'), alias: 'h' },
} as const satisfies Record<string, Options>

/** What is waited for around a run. */
const GATES = {
  gate: repeatable('Gates:', 'first wait for this, e.g. service:db; may be repeated'),
  'release-when': repeatable('Gates:', 'after success keep the lock until this holds; may be repeated'),
  'release-timeout': option('Gates:', 'string', 'but for so long at most (10m)'),
  settle: option('Gates:', 'string', 'and until it has held for so long, e.g. 10s'),
} as const satisfies Record<string, Options>

export const GATE_OPTIONS = Object.keys(GATES)

/** The options of a run. */
export const RUN_OPTIONS = {
  'no-wait': option('Waiting:', 'boolean', 'give up at once when the lock is not free'),
  wait: option('Waiting:', 'string', 'give up after this time, e.g. 90s, 1.5h; 0 is --no-wait'),
  'conflict-exit-code': {
    ...option('Waiting:', 'string', 'exit with this code instead of 1 when giving up'),
    alias: 'E',
  },
  ...GATES,
  key: option('Lock:', 'string', 'lock this key instead of consul-locker-<name>'),
  ttl: option('Lock:', 'string', "the session's TTL (15s; Consul takes 10s to 24h)"),
  renew: option('Lock:', 'string', 'renew the session this often (two thirds of the TTL)'),
  'lock-delay': option('Lock:', 'string', 'keep the lock closed this long when a holder dies (24s)'),
  'kill-after': option('Lock:', 'string', 'grace from TERM to KILL when the lock is lost (5s)'),
  'wait-group': option('Lock:', 'boolean', "keep it until the command's whole process group has ended"),
  'record-command': option('Lock:', 'boolean', "have others see the command's arguments, not just its name"),
  'no-guardian': option('Lock:', 'boolean', 'do without the process that ends the command should we be killed'),
  ...CONSUL_OPTIONS,
  ...OUTPUT_OPTIONS,
  'report-file': option('Output:', 'string', "write the run's outcome there, as JSON"),
  version: option('Output:', 'boolean', 'show version, commit, Node and platform'),
} as const satisfies Record<string, Options>

export type OptionName = keyof typeof RUN_OPTIONS

/** An option for the help; one that takes a value must be given one. */
export function option<T extends 'string' | 'boolean'>(group: string, type: T, describe: string) {
  return { group, type, describe, ...(type === 'string' ? { requiresArg: true } : {}) }
}

/** An option that takes a value and may be given several times. */
export function repeatable(group: string, describe: string) {
  return { ...option(group, 'string', describe), array: true } as const
}

/** An option's environment variable. */
export function variableOf(name: string): string {
  return `CONSUL_LOCKER_${name.replaceAll('-', '_').toUpperCase()}`
}
