import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import { hostPortText } from '../../../base/host-port.ts'
import { notifyService } from '../../../child/service-notify.ts'
import { bearerSecret, serveTokens } from '../../../discovery/token-server.ts'
import { TokenStore } from '../../../discovery/token-store.ts'
import { RateLimit } from '../../../listen/rate-limit.ts'
import { tokenServerRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { turnOnCompilers } from '../../invocation/compilers.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import type { CommandRequest } from '../../invocation/subcommand.ts'
import { isLoopback } from '../../options/listen-address.ts'
import { type DISCOVERY_SYNTAX, LISTEN } from './syntax.ts'

/** A client may save up requests for so many seconds. */
const BURST_S = 3
/** Of one client: in the week after which an unused token is forgotten, it can't make all that there may be. */
const NEW_TOKENS = { perDay: 2000, burst: 500 }
const DAY_S = 86_400
const LONGEST_TIDY_MS = 30_000

/** `consul-locker discovery serve`, until a signal ends it. Settles with 0 then. */
export async function serve(
  { ctx, options, environment, signals }: CommandRequest<typeof DISCOVERY_SYNTAX.options>,
  secret: string | undefined,
): Promise<number> {
  const where = options.listen
  if (secret === undefined && !isLoopback(where)) {
    throw new Failure('usage', `others can reach ${hostPortText(where)}, so a shared secret is needed`, {
      hint: `give --secret-file, or listen at ${LISTEN}`,
    })
  }
  const { expire: expireMs, 'rate-limit': perSecond } = options
  const terms = {
    secret: secret === undefined ? undefined : bearerSecret(secret),
    requests: new RateLimit(ctx.clock, perSecond, perSecond * BURST_S),
    creations: new RateLimit(ctx.clock, perSecond && NEW_TOKENS.perDay / DAY_S, NEW_TOKENS.burst),
  }
  turnOnCompilers()
  const tidyMs = Math.min(LONGEST_TIDY_MS, expireMs / 4)
  const consul = await connect(options, environment, tokenServerRules)
  const onListening = async (address: string) => {
    ctx.log.notice(`serving discovery tokens at ${address}${secret === undefined ? ', without a shared secret' : ''}`)
    await notifyService(ctx, environment, { ready: true, status: `serving at ${address}` })
  }
  const work = async (ctx: Context) => {
    try {
      const book = new TokenStore(ctx, consul, expireMs)
      return await serveTokens(ctx, book, { where, access: terms, tidyMs }, onListening)
    } finally {
      await notifyService(ctx, environment, { stopping: true })
    }
  }
  try {
    return await interruptible(ctx, signals, work, () => EXIT.done)
  } finally {
    consul.close()
  }
}
