import { sleep, withDeadline } from '../base/abort.ts'
import { cantListen } from '../base/cant-listen.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { HostPort } from '../base/host-port.ts'
import type { ListenerRequest } from '../listen/answer-request.ts'
import { openListener } from '../listen/listener.ts'
import { SharedSecret } from '../listen/shared-secret.ts'
import { answerTokenRequest, type TokenAccess } from './token-api.ts'
import type { TokenStore } from './token-store.ts'

/** How tokens are served. */
export interface TokenServerOptions {
  readonly where: HostPort
  readonly access: TokenAccess
  /** How often what has expired is looked for, in milliseconds. */
  readonly tidyMs: number
}

const CLOSING_MS = 3000
/** A change that waits for another one, and what each may take. */
const ANSWER_MS = 30_000

/**
 * Serves tokens until the context's signal aborts, and then rejects with its reason. Calls `onListening` with the
 * address. Rejects with a `local` failure when it can't listen there.
 */
export async function serveTokens(
  ctx: Context,
  store: TokenStore,
  { where, access, tidyMs }: TokenServerOptions,
  onListening: (address: string) => Promise<void>,
): Promise<never> {
  // Not under the server's own signal: what was begun is brought to its end.
  const respond = (request: ListenerRequest) =>
    withDeadline(ctx, ANSWER_MS, (ctx) => answerTokenRequest(ctx, store, access, request))
  const listener = await openListener(ctx, where, respond).catch((thrown: unknown) => {
    throw cantListen(where, thrown, '--listen names another address')
  })
  try {
    await onListening(`http://${listener.address}`)
    for (;;) {
      await tidy(ctx, store)
      await sleep(ctx, tidyMs)
    }
  } finally {
    await listener.close(CLOSING_MS)
  }
}

async function tidy(ctx: Context, store: TokenStore): Promise<void> {
  try {
    await store.tidy(ctx)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.warn(`what has expired could not be looked for: ${thrown.message}`)
  }
}

/** A secret that requests give as a bearer token. */
export function bearerSecret(secret: string): NonNullable<TokenAccess['secret']> {
  const wanted = new SharedSecret(`Bearer ${secret}`)
  return { fits: (authorization = '') => wanted.fits(authorization) }
}
