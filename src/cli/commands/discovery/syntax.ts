import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import { parseHttpUrl } from '../../../discovery/monitor-target.ts'
import { LONGEST_EXPIRY_MS } from '../../../discovery/token-list.ts'
import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { listenAddress } from '../../options/listen-address.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option, type Parse, type Values } from '../../syntax/option.ts'
import { duration, wholeNumber } from '../../syntax/values.ts'

/** Where the server of tokens listens by default. */
export const LISTEN = '127.0.0.1:8510'

const SHORTEST_EXPIRY_MS = 1000

const expiry: Parse<number> = (text, name) => {
  const ms = duration(text, name)
  if (ms >= SHORTEST_EXPIRY_MS && ms <= LONGEST_EXPIRY_MS) return ms
  throw new Failure('usage', `--${name} must be 1s or more, and ${formatDuration(LONGEST_EXPIRY_MS)} at most`)
}

/** The words behind `discovery`. */
const DISCOVERY_WORDS = {
  serve: 'serve tokens',
  new: 'make a token',
  publish: 'put servers to a token',
  lookup: "print a token's servers",
  delete: 'forget a token',
}

/** `consul-locker discovery serve|new|publish|lookup|delete` */
export const DISCOVERY_SYNTAX = {
  summary: 'let machines find each other by a token',
  usage: `consul-locker discovery serve
consul-locker discovery new --url U
consul-locker discovery delete --url U TOKEN
consul-locker discovery publish --url U TOKEN [ip:port…]
consul-locker discovery lookup --url U TOKEN

Lets machines that know nothing but a token find each other: the servers of a
new Consul cluster, for instance.`,
  options: {
    listen: option('serve:', 'ADDRESS', `host:port to serve at (${LISTEN})`, listenAddress(LISTEN), LISTEN),
    expire: option('serve:', 'TIME', 'forget what nobody has published again by then (5m)', expiry, '5m'),
    'rate-limit': option(
      'serve:',
      'N',
      'requests a second of one address; 0 for any number (20)',
      wholeNumber(0, 1_000_000),
      '20',
    ),
    url: option('new, publish, lookup, delete:', 'URL', 'where the tokens are served', (text, name) =>
      parseHttpUrl(name, text, `http://${LISTEN}`),
    ),
    wait: option(
      'new, publish, lookup, delete:',
      'TIME',
      'lookup: wait so long for a first server, e.g. 10m',
      duration,
      '0',
    ),
    json: flag('new, publish, lookup, delete:', 'lookup: as JSON, not one in each line'),
    'secret-file': option('All:', 'FILE', 'file with the shared secret; serve needs one off loopback'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ words: DISCOVERY_WORDS }],
  often: ['listen', 'expire', 'url', 'wait', 'secret-file'],
  examples: [
    'consul-locker discovery serve --listen 10.0.0.5:8510 --secret-file S',
    'token=$(consul-locker discovery new --url U --secret-file S)',
    'consul-locker discovery publish --url U --secret-file S $token',
    'consul-locker discovery lookup --url U --secret-file S --wait 10m $token',
  ],
  epilogue: `serve answers GET /new, GET /TOKEN and PUT /TOKEN with a JSON list of ip:port,
keeps all in Consul below discovery/, and puts the servers into the catalog:
DNS answers TOKEN.service.consul. Several may serve at once. publish without
servers publishes those of the local agent's cluster; cron does that well.
A token takes 16 servers; unused for a week, it is forgotten. A --secret-file
that serve was given, the others must give, too; only then can delete be used.

Exit codes: 0 done, for serve: told to end; 1 no such token, or no servers, for
serve: it can't listen there; 2 wrong usage; 3 Consul or the server of tokens
can't be reached, or fails.`,
} satisfies Syntax

export type DiscoveryCommandOptions = Values<typeof DISCOVERY_SYNTAX.options>
