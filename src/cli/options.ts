import type { Options } from 'yargs'

/** An option as the parser takes it, with what the help calls its value. */
export interface Option extends Options {
  readonly value?: string
}

/** How to reach Consul; every command that talks to it takes these. */
export const CONSUL_OPTIONS = {
  'http-addr': option('Consul:', 'ADDRESS', 'the agent: host:port, https://… or unix://… (CONSUL_HTTP_ADDR)'),
  token: option('Consul:', 'TOKEN', 'ACL token (CONSUL_HTTP_TOKEN)'),
  'token-file': option('Consul:', 'FILE', 'file with the ACL token; overrides --token (CONSUL_HTTP_TOKEN_FILE)'),
  'consul-timeout': option('Consul:', 'TIME', 'give up when it was never reached for so long (5m; 0: never)'),
  datacenter: option('Consul:', 'NAME', "another datacenter than the agent's"),
  namespace: option('Consul:', 'NAME', 'Enterprise namespace (CONSUL_NAMESPACE)'),
  partition: option('Consul:', 'NAME', 'Enterprise admin partition (CONSUL_PARTITION)'),
  'ca-file': option('TLS:', 'FILE', 'trust the CAs in this PEM file (CONSUL_CACERT)'),
  'ca-path': option('TLS:', 'DIR', 'trust the CAs in this directory (CONSUL_CAPATH)'),
  'client-cert': option('TLS:', 'FILE', 'client certificate, PEM (CONSUL_CLIENT_CERT)'),
  'client-key': option('TLS:', 'FILE', "the client certificate's key (CONSUL_CLIENT_KEY)"),
  'tls-server-name': option('TLS:', 'NAME', 'expect this name in its certificate (CONSUL_TLS_SERVER_NAME)'),
} as const satisfies Record<string, Option>

/** How we talk; every command takes these. */
export const OUTPUT_OPTIONS = {
  'log-format': { ...option('Output:', 'FORM', 'how we talk on stderr: text or json'), choices: ['text', 'json'] },
  quiet: { ...option('Output:', 'boolean', 'only warnings and errors on stderr'), alias: 'q' },
  h: option('Output:', 'boolean', 'a short help'),
  help: option('Output:', 'boolean', 'show this help'),
} as const satisfies Record<string, Option>

/** What is waited for around a run. */
const GATES = {
  gate: repeatable('Gates:', 'GATE', 'first wait for this, e.g. service:db; repeatable'),
  'release-when': repeatable('Gates:', 'GATE', 'after success keep it until this holds; repeatable'),
  'release-timeout': option('Gates:', 'TIME', 'but for so long at most (10m)'),
  settle: option('Gates:', 'TIME', 'and until it has held for so long, e.g. 10s'),
} as const satisfies Record<string, Option>

export const GATE_OPTIONS = Object.keys(GATES)

/** The options of a run. */
export const RUN_OPTIONS = {
  'no-wait': { ...option('Waiting:', 'boolean', 'give up at once when the lock is not free'), alias: 'n' },
  wait: { ...option('Waiting:', 'TIME', 'give up after this time: 5 (seconds), 90s, 1.5h'), alias: 'w' },
  'conflict-exit-code': {
    ...option('Waiting:', 'N', 'exit with this code instead of 1 when giving up'),
    alias: 'E',
  },
  ...GATES,
  key: option('Lock:', 'KEY', 'lock this key instead of consul-locker-<name>'),
  ttl: option('Lock:', 'TIME', "the session's TTL (15s), at least 10s"),
  renew: option('Lock:', 'TIME', 'renew the session this often (two thirds of the TTL)'),
  'lock-delay': option('Lock:', 'TIME', 'keep the lock closed this long when a holder dies (24s)'),
  'kill-after': option('Lock:', 'TIME', 'grace from TERM to KILL when the lock is lost (5s)'),
  'wait-group': option('Lock:', 'boolean', "keep it until all of the command's group has ended"),
  'record-command': option('Lock:', 'boolean', "have others see the command's arguments, not just its name"),
  'no-guardian': option('Lock:', 'boolean', 'do without the process that ends the command should we be killed'),
  ...CONSUL_OPTIONS,
  ...OUTPUT_OPTIONS,
  'report-file': option('Output:', 'FILE', "write the run's outcome there, as JSON"),
  version: { ...option('Output:', 'boolean', 'show version, commit, Node and platform'), alias: 'V' },
} as const satisfies Record<string, Option>

export type OptionName = keyof typeof RUN_OPTIONS

/** An option for the help: a yes or no, or the name of the value that it must be given. */
export function option(group: string, value: 'boolean' | Uppercase<string>, describe: string): Option {
  if (value === 'boolean') return { group, describe, type: 'boolean' }
  return { group, describe, type: 'string', value, requiresArg: true }
}

/** An option that takes a value and may be given several times. */
export function repeatable(group: string, value: Uppercase<string>, describe: string): Option {
  return { ...option(group, value, describe), array: true }
}

/** Options that no variable gives: one that names our version is somebody's note. */
export const ONLY_WORDS: readonly string[] = ['h', 'help', 'version']

/** An option's environment variable. */
export function variableOf(name: string): string {
  return `CONSUL_LOCKER_${name.replaceAll('-', '_').toUpperCase()}`
}
