import { everywhere, option, type Values } from '../syntax/option.ts'
import { duration } from '../syntax/values.ts'

/** How to reach Consul; every command that talks to it takes these. */
export const CONSUL_OPTIONS = everywhere({
  'http-addr': option('Consul:', 'ADDRESS', 'the agent: host:port, https://… or unix://… (CONSUL_HTTP_ADDR)'),
  token: option('Consul:', 'TOKEN', 'ACL token (CONSUL_HTTP_TOKEN)'),
  'token-file': option('Consul:', 'FILE', 'file with the ACL token; overrides --token (CONSUL_HTTP_TOKEN_FILE)'),
  'consul-timeout': option(
    'Consul:',
    'TIME',
    'give up when it was never reached for so long (5m; 0: never)',
    duration,
    '5m',
  ),
  datacenter: option('Consul:', 'NAME', "another datacenter than the agent's"),
  namespace: option('Consul:', 'NAME', 'Enterprise namespace (CONSUL_NAMESPACE)'),
  partition: option('Consul:', 'NAME', 'Enterprise admin partition (CONSUL_PARTITION)'),
  'ca-file': option('TLS:', 'FILE', 'trust the CAs in this PEM file (CONSUL_CACERT)'),
  'ca-path': option('TLS:', 'DIR', 'trust the CAs in this directory (CONSUL_CAPATH)'),
  'client-cert': option('TLS:', 'FILE', 'client certificate, PEM (CONSUL_CLIENT_CERT)'),
  'client-key': option('TLS:', 'FILE', "the client certificate's key (CONSUL_CLIENT_KEY)"),
  'tls-server-name': option('TLS:', 'NAME', 'expect this name in its certificate (CONSUL_TLS_SERVER_NAME)'),
})

export type ConsulOptions = Values<typeof CONSUL_OPTIONS>

/** Those of a command's options that say how to reach Consul. */
export function consulOptionsIn(options: ConsulOptions): ConsulOptions {
  const names = Object.keys(CONSUL_OPTIONS) as (keyof ConsulOptions)[]
  return Object.fromEntries(names.map((name) => [name, options[name]])) as unknown as ConsulOptions
}
