import { listenAddress } from '../../options/listen-address.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { option, type Values } from '../../syntax/option.ts'

/** Where it listens by default, as a Consul agent does. */
export const AGENT_LISTEN = '127.0.0.1:8500'

const DNS_EXAMPLE = '127.0.0.1:8600'

/** `consul-locker dev` */
export const DEV_SYNTAX = {
  summary: 'serve a Consul to try things with',
  usage: `consul-locker dev [options] [-- command…]

A Consul to try things with, for tests and CI: one process with Consul's HTTP
interface, and no cluster. Sessions, keys, transactions, catalog, health,
services, and TTL, HTTP and TCP checks. There are no ACLs; what isn't here
answers 501 and says so. With a command it serves until that ends.`,
  options: {
    listen: option(
      'Server:',
      'ADDRESS',
      `host:port (${AGENT_LISTEN}; with a command a free port)`,
      listenAddress(AGENT_LISTEN),
    ),
    data: option('Server:', 'DIR', 'keep what is there in this folder, over restarts'),
    dns: option('Server:', 'ADDRESS', `answer DNS, too, e.g. at ${DNS_EXAMPLE}`, listenAddress(DNS_EXAMPLE)),
    ...OUTPUT_OPTIONS,
  },
  often: ['listen', 'data', 'dns'],
  examples: [
    'consul-locker dev                   at 127.0.0.1:8500, until Ctrl-C',
    'consul-locker dev -- npm test       CONSUL_HTTP_ADDR says where it is',
    'consul-locker dev --data ./consul   keys and sessions outlast a restart',
  ],
  epilogue: `Exit codes: the command's own; without one 0 after INT or TERM. 1 the address
is taken, or the folder can't be used; 2, 126, 127 as for a run.`,
} satisfies Syntax

export type DevOptions = Values<typeof DEV_SYNTAX.options>
