import { parseAddress } from '../../consul/address.ts'
import { type ConsulOptions, consulOptionsIn } from '../options/consul-options.ts'

/** What a configuration file says about how to reach Consul. */
export interface ConsulOfFile {
  readonly http_addr?: string | undefined
  readonly token_file?: string | undefined
  readonly ca_file?: string | undefined
}

/** How to reach Consul: options and environment come before what a file says. Throws a `usage` failure. */
export function orFromFile(options: ConsulOptions, file: ConsulOfFile, environment: NodeJS.ProcessEnv): ConsulOptions {
  const { CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN, CONSUL_HTTP_TOKEN_FILE, CONSUL_CACERT } = environment
  const given = consulOptionsIn(options)
  const filesAddress = given['http-addr'] !== undefined || CONSUL_HTTP_ADDR ? undefined : file.http_addr
  // Told of here: later nobody knows where it comes from.
  if (filesAddress !== undefined) parseAddress(filesAddress, false, "the file's consul.http_addr")
  return {
    ...given,
    'http-addr': given['http-addr'] ?? filesAddress,
    'token-file': given['token-file'] ?? (CONSUL_HTTP_TOKEN || CONSUL_HTTP_TOKEN_FILE ? undefined : file.token_file),
    'ca-file': given['ca-file'] ?? (CONSUL_CACERT ? undefined : file.ca_file),
  }
}

/**
 * The same for a file that belongs to this very machine: its address is that of the machine's own agent, and comes
 * before the one that somebody has in the environment. Throws a `usage` failure.
 */
export function orFromOwnFile(
  options: ConsulOptions,
  file: ConsulOfFile,
  environment: NodeJS.ProcessEnv,
): ConsulOptions {
  return orFromFile(options, file, { ...environment, CONSUL_HTTP_ADDR: undefined })
}
