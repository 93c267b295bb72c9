import { isIPv4 } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { type HostPort, hostPortText, parseHostPort } from '../base/host-port.ts'
import { notifyService } from '../child/service-notify.ts'
import { RateLimit } from '../discovery/rate-limit.ts'
import { TokenBook } from '../discovery/token-book.ts'
import { LONGEST_EXPIRY_MS } from '../discovery/token-list.ts'
import { serveTokens, sharedSecret } from '../discovery/token-server.ts'
import { tokenServerRules } from './acl-rules.ts'
import { connect } from './connect.ts'
import { duration } from './duration.ts'
import { interruptible } from './interruptible.ts'
import type { Invocation } from './invocation.ts'
import type { Given } from './parse.ts'
import { wholeNumber } from './whole-number.ts'

const LISTEN = '127.0.0.1:8510'
const EXPIRE_MS = 300_000
const SHORTEST_EXPIRY_MS = 1000
const REQUESTS_PER_SECOND = 20
/** Off in our executable, for a run is over before they pay; a server answers five times as much with them. */
const COMPILERS = ['--sparkplug', '--maglev', '--opt']
/** A client may save up requests for so many seconds. */
const BURST_S = 3
/** Of one client: in the week after which an unused token is forgotten, it can't make all that there may be. */
const NEW_TOKENS = { perDay: 2000, burst: 500 }
const DAY_S = 86_400
const LONGEST_TIDY_MS = 30_000

/** `consul-locker discovery serve`, until a signal ends it. Settles with 0 then. */
export async function serve(
  ctx: Context,
  { environment, signals }: Invocation,
  given: Given,
  secret: string | undefined,
): Promise<number> {
  const where = listenAddress(given('listen') ?? LISTEN)
  if (secret === undefined && !isLoopback(where.host)) {
    throw new Failure('usage', `others can reach ${hostPortText(where)}, so a shared secret is needed`, {
      hint: `give --secret-file, or listen at ${LISTEN}`,
    })
  }
  const expireMs = duration('expire', given) ?? EXPIRE_MS
  if (expireMs < SHORTEST_EXPIRY_MS || expireMs > LONGEST_EXPIRY_MS) {
    throw new Failure('usage', `--expire must be 1s or more, and ${formatDuration(LONGEST_EXPIRY_MS)} at most`)
  }
  const perSecond = wholeNumber('rate-limit', given, [0, 1_000_000]) ?? REQUESTS_PER_SECOND
  const terms = {
    secret: secret === undefined ? undefined : sharedSecret(secret),
    requests: new RateLimit(ctx.clock, perSecond, perSecond * BURST_S),
    creations: new RateLimit(ctx.clock, perSecond && NEW_TOKENS.perDay / DAY_S, NEW_TOKENS.burst),
  }
  for (const compiler of COMPILERS) setFlagsFromString(compiler)
  const tidyMs = Math.min(LONGEST_TIDY_MS, expireMs / 4)
  const consul = await connect(given, environment, tokenServerRules)
  const onListening = async (address: string) => {
    ctx.log.notice(`serving discovery tokens at ${address}${secret === undefined ? ', without a shared secret' : ''}`)
    await notifyService(ctx, environment, { ready: true, status: `serving at ${address}` })
  }
  const work = async (ctx: Context) => {
    try {
      const book = new TokenBook(ctx, consul, expireMs)
      return await serveTokens(ctx, book, { where, terms, tidyMs }, onListening)
    } finally {
      await notifyService(ctx, environment, { stopping: true })
    }
  }
  try {
    return await interruptible(ctx, signals, work, () => 0)
  } finally {
    consul.close()
  }
}

function listenAddress(text: string): HostPort {
  const address = parseHostPort(text)
  if (address) return address
  throw new Failure('usage', `--listen ${JSON.stringify(text.slice(0, 100))} is no address to listen at`, {
    hint: 'write it as 127.0.0.1:8510 or 0.0.0.0:8510',
  })
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
