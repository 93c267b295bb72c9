import { readFileSync } from 'node:fs'
import { Failure, messageOf } from '../base/failure.ts'
import { parseAddress } from '../consul/address.ts'
import type { ConsulSettings, TlsSettings } from '../consul/settings.ts'
import { truth } from './environment.ts'
import type { Given } from './parse.ts'

/**
 * How to reach Consul, from options and from the environment that `consul` itself reads
 * (https://developer.hashicorp.com/consul/commands#environment-variables). Throws a `usage` failure.
 */
export function consulSettings(given: Given, environment: NodeJS.ProcessEnv): ConsulSettings {
  const from = (variable: string) => environment[variable] || undefined
  const flag = (variable: string, otherwise: boolean) => {
    const value = from(variable)
    return value === undefined ? otherwise : truth(variable, value)
  }
  const tls: TlsSettings = {
    caFile: given('ca-file') ?? from('CONSUL_CACERT'),
    caPath: given('ca-path') ?? from('CONSUL_CAPATH'),
    clientCert: given('client-cert') ?? from('CONSUL_CLIENT_CERT'),
    clientKey: given('client-key') ?? from('CONSUL_CLIENT_KEY'),
    serverName: given('tls-server-name') ?? from('CONSUL_TLS_SERVER_NAME'),
    verify: flag('CONSUL_HTTP_SSL_VERIFY', true),
  }
  if ((tls.clientCert === undefined) !== (tls.clientKey === undefined)) {
    throw new Failure('usage', 'a client certificate needs its key, and a key its certificate', {
      hint: 'give both --client-cert and --client-key (or CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY)',
    })
  }
  const address = given('http-addr') ?? from('CONSUL_HTTP_ADDR') ?? '127.0.0.1:8500'
  const tokenFile = given('token-file') ?? from('CONSUL_HTTP_TOKEN_FILE')
  return {
    address: parseAddress(address, flag('CONSUL_HTTP_SSL', false)),
    token: checkToken((tokenFile && readToken(tokenFile)) || (given('token') ?? from('CONSUL_HTTP_TOKEN'))),
    basicAuth: from('CONSUL_HTTP_AUTH'),
    datacenter: given('datacenter'),
    namespace: given('namespace') ?? from('CONSUL_NAMESPACE'),
    partition: given('partition') ?? from('CONSUL_PARTITION'),
    tls,
  }
}

function checkToken(token: string | undefined): string | undefined {
  if (token === undefined || !/[^ -~]/.test(token)) return token
  throw new Failure('usage', 'the token has a character in it that no token has, such as a line break', {
    hint: 'look at --token, --token-file, CONSUL_HTTP_TOKEN and CONSUL_HTTP_TOKEN_FILE',
  })
}

/** An empty file gives no token, and the one given otherwise counts; so does `consul`. */
function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (thrown) {
    throw new Failure('usage', `the token file can't be read: ${messageOf(thrown)}`, {
      hint: 'is its path right (--token-file or CONSUL_HTTP_TOKEN_FILE), and may this user read it?',
      cause: thrown,
    })
  }
}
