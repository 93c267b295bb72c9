import * as v from 'valibot'
import { Failure } from '../base/failure.ts'
import { parseAddress, risksOf } from '../consul/address.ts'
import { Consul } from '../consul/consul.ts'
import type { ConsulSettings, TlsSettings } from '../consul/consul-settings.ts'
import { openNodeTransport } from '../consul/node-transport.ts'
import { checkToken, readToken } from '../consul/token.ts'
import type { Transport } from '../consul/wire.ts'
import { aText, givenOptions, type SchemasOf } from './given.ts'
import { aDuration, type Duration } from './given-duration.ts'
import { programEnvironment } from './program-environment.ts'

/**
 * How to reach Consul. What isn't given comes from the environment that `consul` itself reads (`CONSUL_HTTP_ADDR`,
 * `CONSUL_HTTP_TOKEN`, `CONSUL_HTTP_TOKEN_FILE`, `CONSUL_CACERT`, …); without that it is the agent at 127.0.0.1:8500.
 */
export interface ConsulOptions {
  /** The agent: `host:port`, `https://…` or `unix:///…`. */
  readonly address?: string | undefined
  /** The ACL token. */
  readonly token?: string | undefined
  /** A file with the ACL token; it is read again when Consul refuses the one that it had. */
  readonly tokenFile?: string | undefined
  /** Another datacenter than the agent's. */
  readonly datacenter?: string | undefined
  /** An Enterprise namespace. */
  readonly namespace?: string | undefined
  /** An Enterprise admin partition. */
  readonly partition?: string | undefined
  /** A PEM file with the CAs to trust, in place of the usual ones. */
  readonly caFile?: string | undefined
  /** A directory with the CAs to trust. */
  readonly caPath?: string | undefined
  /** A client certificate, a PEM file. */
  readonly clientCert?: string | undefined
  /** The client certificate's key. */
  readonly clientKey?: string | undefined
  /** The name that is expected in Consul's certificate. */
  readonly serverName?: string | undefined
  /** How long an agent is tried that never answered: 5 minutes, unless it is told; 0 is for ever. */
  readonly timeout?: Duration | undefined
}

/** A connection with Consul that several locks share; see {@link connect}. */
export interface ConsulConnection extends AsyncDisposable {
  /**
   * Closes it: nobody gets a lock by it any more, and who waits for one by it rejects. What still has a lock by it
   * loses it at its deadline.
   */
  close(): void
}

const PATIENCE_MS = 300_000

/** A client of Consul, and the transport that it has for itself. */
interface Opened {
  readonly consul: Consul
  readonly transport: Transport
}

class SharedConnection implements ConsulConnection {
  readonly opened: Promise<Opened>

  constructor(opened: Promise<Opened>) {
    this.opened = opened
    // Whoever uses it hears of it.
    opened.catch(() => {})
  }

  close(): void {
    this.opened.then(
      ({ consul }) => consul.close(),
      () => {},
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }
}

/**
 * Opens what several locks, hosts and gates may share as their `consul`. Each lock that has none keeps two connections
 * of its own open; an agent takes 200 from one machine (`http_max_conns_per_client`), so a process with dozens of locks
 * shares one. Nothing is sent yet. Whoever opens it closes it, when its locks are given back.
 */
export function connect(options: ConsulOptions = {}): ConsulConnection {
  return new SharedConnection(open(options))
}

/**
 * A client of Consul for one who needs it.
 * @internal
 */
export interface Client {
  readonly consul: Consul
  /** Another one by the same connection; to close that one closes nothing. */
  another(): Consul
  /** It isn't needed any more. */
  letGo(): void
}

/**
 * Rejects with a `usage` failure.
 * @internal
 */
export async function clientOf(wanted: ConsulOptions | ConsulConnection = {}): Promise<Client> {
  const isShared = wanted instanceof SharedConnection
  const { consul, transport } = await (isShared ? wanted.opened : open(wanted as ConsulOptions))
  const lent: Transport = { send: (request, signal) => transport.send(request, signal), close() {} }
  return {
    consul,
    another: () => new Consul(consul.settings, lent),
    letGo: () => (isShared ? undefined : consul.close()),
  }
}

async function open(options: ConsulOptions): Promise<Opened> {
  const settings = settingsOf(options, programEnvironment())
  const transport = await openNodeTransport(settings)
  return { consul: new Consul(settings, transport), transport }
}

const CONSUL_OPTIONS = v.strictObject({
  address: v.optional(aText),
  token: v.optional(aText),
  tokenFile: v.optional(aText),
  datacenter: v.optional(aText),
  namespace: v.optional(aText),
  partition: v.optional(aText),
  caFile: v.optional(aText),
  caPath: v.optional(aText),
  clientCert: v.optional(aText),
  clientKey: v.optional(aText),
  serverName: v.optional(aText),
  timeout: v.optional(aDuration),
} satisfies SchemasOf<ConsulOptions>)

/** Who means one Consul must not lock at another. */
function checked(given: unknown): v.InferOutput<typeof CONSUL_OPTIONS> {
  if (typeof given === 'object' && given !== null && !('close' in given)) {
    return givenOptions('consul', CONSUL_OPTIONS, given, 'consul.')
  }
  throw new Failure('usage', 'consul is neither options nor a connection of this copy of the package', {
    hint: "{ address: '127.0.0.1:8500' }, or connect(…) of the same import",
  })
}

/**
 * Throws a `usage` failure.
 * @internal
 */
export function settingsOf(given: ConsulOptions, environment: NodeJS.ProcessEnv): ConsulSettings {
  const options = checked(given)
  const from = (variable: string) => environment[variable] || undefined
  const isOn = (variable: string, otherwise: boolean) => {
    const value = from(variable)
    return value === undefined ? otherwise : !/^(0|f|false)$/i.test(value)
  }
  const tls: TlsSettings = {
    caFile: options.caFile ?? from('CONSUL_CACERT'),
    caPath: options.caPath ?? from('CONSUL_CAPATH'),
    clientCert: options.clientCert ?? from('CONSUL_CLIENT_CERT'),
    clientKey: options.clientKey ?? from('CONSUL_CLIENT_KEY'),
    serverName: options.serverName ?? from('CONSUL_TLS_SERVER_NAME'),
    verify: isOn('CONSUL_HTTP_SSL_VERIFY', true),
  }
  if ((tls.clientCert === undefined) !== (tls.clientKey === undefined)) {
    throw new Failure('usage', 'a client certificate needs its key, and a key its certificate')
  }
  // A token that is given comes before one in the environment, whatever it stands in.
  const isTokenGiven = options.token !== undefined || options.tokenFile !== undefined
  const tokenFile = isTokenGiven ? options.tokenFile : from('CONSUL_HTTP_TOKEN_FILE')
  const token = isTokenGiven ? options.token : from('CONSUL_HTTP_TOKEN')
  const found = (tokenFile === undefined ? undefined : readToken(tokenFile)) ?? checkToken(token)
  const text = options.address ?? from('CONSUL_HTTP_ADDR') ?? '127.0.0.1:8500'
  const source = options.address === undefined ? 'CONSUL_HTTP_ADDR' : 'consul.address'
  const address = parseAddress(text, isOn('CONSUL_HTTP_SSL', false), source)
  const { timeout: patienceMs = PATIENCE_MS } = options
  return {
    address,
    token: found,
    tokenFile,
    basicAuth: from('CONSUL_HTTP_AUTH'),
    datacenter: options.datacenter,
    namespace: options.namespace ?? from('CONSUL_NAMESPACE'),
    partition: options.partition ?? from('CONSUL_PARTITION'),
    tls,
    patienceMs: patienceMs === 0 ? Number.POSITIVE_INFINITY : patienceMs,
    warnings: risksOf(address, found !== undefined, tls.verify),
  }
}
