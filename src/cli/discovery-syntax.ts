import { CONSUL_OPTIONS, OUTPUT_OPTIONS, option } from './options.ts'
import type { Syntax } from './parse.ts'

/** `consul-locker discovery serve|new|publish|lookup|delete` */
export const DISCOVERY_SYNTAX: Syntax = {
  usage: `consul-locker discovery serve
consul-locker discovery new --url U
consul-locker discovery delete --url U TOKEN
consul-locker discovery publish --url U TOKEN [ip:port…]
consul-locker discovery lookup --url U TOKEN

Lets machines find each other that know nothing but a token: the servers of a
Consul cluster that is about to be born, for instance.`,
  options: {
    listen: option('serve:', 'ADDRESS', 'host:port to serve at (127.0.0.1:8510)'),
    expire: option('serve:', 'TIME', 'what nobody publishes again is forgotten after (5m)'),
    'rate-limit': option('serve:', 'N', 'requests a second of one address; 0 for any number (20)'),
    url: option('new, publish, lookup, delete:', 'URL', 'where the tokens are served'),
    wait: option('new, publish, lookup, delete:', 'TIME', 'lookup: wait so long for a first server, e.g. 10m'),
    json: option('new, publish, lookup, delete:', 'boolean', 'lookup: as JSON, not one in each line'),
    'secret-file': option('All:', 'FILE', 'file with the shared secret; serve needs one off loopback'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
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

Exit codes: 0 done, for serve: told to end; 1 no such token, or no servers;
2 wrong usage; 3 Consul or the server of tokens can't be reached, or fails.`,
}
