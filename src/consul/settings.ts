import type { Address } from './address.ts'

/** All that is needed to talk to an agent. */
export interface ConsulSettings {
  readonly address: Address
  readonly token: string | undefined
  /** `user:password` */
  readonly basicAuth: string | undefined
  readonly datacenter: string | undefined
  readonly namespace: string | undefined
  readonly partition: string | undefined
  readonly tls: TlsSettings
}

/** File names; they are read when the first connection is made. */
export interface TlsSettings {
  readonly caFile: string | undefined
  readonly caPath: string | undefined
  readonly clientCert: string | undefined
  readonly clientKey: string | undefined
  readonly serverName: string | undefined
  readonly verify: boolean
}
