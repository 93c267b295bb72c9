import type { Address } from './address.ts'

/** All that is needed to talk to an agent. */
export interface ConsulSettings {
  readonly address: Address
  readonly token: string | undefined
  /** Where the token comes from, if it stands in a file: there may be another one later. */
  readonly tokenFile: string | undefined
  /** `user:password` */
  readonly basicAuth: string | undefined
  readonly datacenter: string | undefined
  readonly namespace: string | undefined
  readonly partition: string | undefined
  readonly tls: TlsSettings
  /** How long Consul may be out of reach before it has answered once, in milliseconds. */
  readonly patienceMs: number
  /** What is unwise about all this, told before the first request. */
  readonly warnings: readonly string[]
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
