import { Failure } from '../../base/failure.ts'
import { parseAddress, risksOf } from '../../consul/address.ts'
import type { ConsulSettings, TlsSettings } from '../../consul/consul-settings.ts'
import { checkToken, readToken } from '../../consul/token.ts'
import type { ConsulOptions } from '../options/consul-options.ts'
import { truth } from '../syntax/environment-words.ts'
import { variableOf } from '../syntax/option.ts'

/**
 * How to reach Consul, from options and from the environment that `consul` itself reads
 * (https://developer.hashicorp.com/consul/commands#environment-variables). Throws a `usage` failure.
 */
export function readConsulSettings(options: ConsulOptions, environment: NodeJS.ProcessEnv): ConsulSettings {
  const from = (variable: string) => environment[variable] || undefined
  const flag = (variable: string, otherwise: boolean) => {
    const value = from(variable)
    return value === undefined ? otherwise : truth(variable, value)
  }
  const tls: TlsSettings = {
    caFile: options['ca-file'] ?? from('CONSUL_CACERT'),
    caPath: options['ca-path'] ?? from('CONSUL_CAPATH'),
    clientCert: options['client-cert'] ?? from('CONSUL_CLIENT_CERT'),
    clientKey: options['client-key'] ?? from('CONSUL_CLIENT_KEY'),
    serverName: options['tls-server-name'] ?? from('CONSUL_TLS_SERVER_NAME'),
    verify: flag('CONSUL_HTTP_SSL_VERIFY', true),
  }
  if ((tls.clientCert === undefined) !== (tls.clientKey === undefined)) {
    throw new Failure('usage', 'a client certificate needs its key, and a key its certificate', {
      hint: 'give both --client-cert and --client-key (or CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY)',
    })
  }
  const own = options['http-addr']
  const text = own ?? from('CONSUL_HTTP_ADDR') ?? '127.0.0.1:8500'
  const source = own === undefined ? 'CONSUL_HTTP_ADDR' : '--http-addr'
  const address = parseAddress(text, flag('CONSUL_HTTP_SSL', false), source)
  const tokenFile = options['token-file'] ?? from('CONSUL_HTTP_TOKEN_FILE')
  const token =
    (tokenFile === undefined ? undefined : readToken(tokenFile)) ??
    checkToken(options.token ?? from('CONSUL_HTTP_TOKEN'))
  const isInArguments = options.token !== undefined && options.token !== from(variableOf('token'))
  return {
    address,
    token,
    tokenFile,
    basicAuth: from('CONSUL_HTTP_AUTH'),
    datacenter: options.datacenter,
    namespace: options.namespace ?? from('CONSUL_NAMESPACE'),
    partition: options.partition ?? from('CONSUL_PARTITION'),
    tls,
    patienceMs: patienceOf(options),
    warnings: [...(isInArguments ? [TOKEN_IN_ARGUMENTS] : []), ...risksOf(address, token !== undefined, tls.verify)],
  }
}

const TOKEN_IN_ARGUMENTS = 'everybody on this machine can read the token in our arguments (ps); give --token-file'

/** How long Consul may be out of reach before it has answered once; 0 is for ever. */
function patienceOf({ 'consul-timeout': ms }: ConsulOptions): number {
  return ms === 0 ? Number.POSITIVE_INFINITY : ms
}
