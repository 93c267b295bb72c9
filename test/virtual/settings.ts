import { parseAddress } from '../../src/consul/address.ts'
import type { ConsulSettings } from '../../src/consul/consul-settings.ts'

/** For clients of the in-memory agent, which heeds none of this. */
export const NO_SETTINGS: ConsulSettings = {
  address: parseAddress('127.0.0.1:8500', false),
  token: undefined,
  tokenFile: undefined,
  basicAuth: undefined,
  datacenter: undefined,
  namespace: undefined,
  partition: undefined,
  tls: {
    caFile: undefined,
    caPath: undefined,
    clientCert: undefined,
    clientKey: undefined,
    serverName: undefined,
    verify: true,
  },
  patienceMs: Number.POSITIVE_INFINITY,
  warnings: [],
}
