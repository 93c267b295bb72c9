import type { Given } from './parse.ts'

/** What a configuration file says about how to reach Consul. */
export interface ConsulOfFile {
  readonly http_addr?: string | undefined
  readonly token_file?: string | undefined
  readonly ca_file?: string | undefined
}

/** Looks up how to reach Consul: options and environment come before what a file says. */
export function orFromFile(given: Given, file: ConsulOfFile, environment: NodeJS.ProcessEnv): Given {
  const own: Record<string, string | undefined> = {
    'http-addr': environment.CONSUL_HTTP_ADDR ? undefined : file.http_addr,
    'token-file': environment.CONSUL_HTTP_TOKEN || environment.CONSUL_HTTP_TOKEN_FILE ? undefined : file.token_file,
    'ca-file': environment.CONSUL_CACERT ? undefined : file.ca_file,
  }
  return (option) => given(option) ?? own[option]
}

/**
 * The same for a file that belongs to this very machine: its address is that of the machine's own agent, and comes
 * before the one that somebody has in the environment.
 */
export function orFromOwnFile(given: Given, file: ConsulOfFile, environment: NodeJS.ProcessEnv): Given {
  return orFromFile(given, file, { ...environment, CONSUL_HTTP_ADDR: undefined })
}
