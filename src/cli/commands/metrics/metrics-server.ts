import { unlessAborted } from '../../../base/abort.ts'
import { cantListen } from '../../../base/cant-listen.ts'
import type { Context } from '../../../base/context.ts'
import type { HostPort } from '../../../base/host-port.ts'
import { PROMETHEUS_TYPE } from '../../../base/prometheus.ts'
import type { ListenerRequest, ListenerResponse } from '../../../listen/answer-request.ts'
import { openListener } from '../../../listen/listener.ts'
import { SharedSecret } from '../../../listen/shared-secret.ts'
import type { Exposition } from './exposition.ts'

const CLOSING_MS = 3000

/** Who is answered. */
export interface MetricsAccess {
  readonly where: HostPort
  /** The bearer token that scrapes must give. */
  readonly secret: string | undefined
}

/**
 * Serves metrics until the context's signal aborts, and then rejects with its reason. Calls `onListening` with the URL.
 * Rejects with a `local` failure when it can't listen there.
 */
export async function serveMetrics(
  ctx: Context,
  exposition: Exposition,
  { where, secret }: MetricsAccess,
  onListening: (url: string) => Promise<void>,
): Promise<never> {
  const wanted = secret === undefined ? undefined : new SharedSecret(`Bearer ${secret}`)
  const listener = await openListener(ctx, where, (request) => answerScrape(request, exposition, wanted)).catch(
    (thrown: unknown) => {
      throw cantListen(where, thrown, '--listen names another address')
    },
  )
  try {
    await onListening(`http://${listener.address}/metrics`)
    return await unlessAborted(ctx.signal, new Promise<never>(() => {}))
  } finally {
    await listener.close(CLOSING_MS)
  }
}

/** Answers one request; never rejects but with the signal's reason, or for a bug. */
export async function answerScrape(
  { method, path, headers }: Pick<ListenerRequest, 'method' | 'path' | 'headers'>,
  exposition: Pick<Exposition, 'text'>,
  secret: SharedSecret | undefined,
): Promise<ListenerResponse> {
  if (method !== 'GET' && method !== 'HEAD')
    return { ...sentence(405, 'only GET and HEAD are understood'), headers: { allow: 'GET, HEAD' } }
  if (secret && !secret.fits(headers.authorization ?? '')) {
    return { ...sentence(401, 'the bearer token is missing or wrong'), headers: { 'www-authenticate': 'Bearer' } }
  }
  if (path !== '/metrics') return sentence(path === '/' ? 200 : 404, 'the metrics are at /metrics')
  return { status: 200, type: PROMETHEUS_TYPE, text: await exposition.text() }
}

function sentence(status: number, text: string): ListenerResponse {
  return { status, type: 'text/plain; charset=utf-8', text: `${text}\n` }
}
