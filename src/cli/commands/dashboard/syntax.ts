import { RolloutKeys } from '../../../rollout/rollout-keys.ts'
import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { listenAddress } from '../../options/listen-address.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option, type Parse, repeatable } from '../../syntax/option.ts'

/** Throws a `usage` failure. */
const rolloutPrefix: Parse<string> = (text) => {
  new RolloutKeys(text)
  return text.replace(/\/$/, '')
}

/** Where it listens by default. */
export const DASHBOARD_LISTEN = '127.0.0.1:8520'

/** `consul-locker dashboard` */
export const DASHBOARD_SYNTAX = {
  summary: 'serve a web page of all locks and their runs',
  usage: `consul-locker dashboard

Serves a web page that shows all locks: who holds each, who waits for it, and
what ran where and when; leaders, rollouts and switches, too. It stays current
by itself, and changes nothing unless it is allowed to.`,
  options: {
    listen: option(
      'Server:',
      'ADDRESS',
      `host:port to serve at (${DASHBOARD_LISTEN})`,
      listenAddress(DASHBOARD_LISTEN),
      DASHBOARD_LISTEN,
    ),
    'secret-file': option('Server:', 'FILE', 'file with the secret for signing in; needed off loopback'),
    'allow-host': repeatable('Server:', 'NAME', 'answer to this name, too, such as a proxy has; repeatable'),
    'allow-unlock': flag('Server:', 'the page may end the session of a holder; needs --secret-file'),
    'rollout-prefix': repeatable('What:', 'FOLDER', 'the rollout with this prefix, too; repeatable', rolloutPrefix),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [],
  often: ['listen', 'secret-file', 'allow-unlock', 'http-addr'],
  examples: [
    `consul-locker dashboard                  at http://${DASHBOARD_LISTEN}/`,
    'consul-locker dashboard --listen 10.0.0.5:8520 --secret-file S',
    'consul-locker dashboard --secret-file S --allow-unlock',
  ],
  epilogue: `It speaks plain HTTP: off this machine put a proxy with TLS before it, or use
ssh -L ${DASHBOARD_LISTEN.replace(/^[^:]*:/, '')}:${DASHBOARD_LISTEN}. It answers to addresses, localhost, this
machine's own name and those of --allow-host.

Exit codes: 0 told to end; 1 it can't listen there; 2, 3, 4 as for a run.`,
} satisfies Syntax
