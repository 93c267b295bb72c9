import { aborted } from '../base/abort.ts'
import { cantListen } from '../base/cant-listen.ts'
import type { Context } from '../base/context.ts'
import type { HostPort } from '../base/host-port.ts'
import { openListener } from '../listen/listener.ts'
import { type Dashboard, dashboardAnswer } from './dashboard-routes.ts'

/** An answer that isn't a stream is given within that. */
const CLOSING_MS = 1000

/**
 * Serves a dashboard until the context's signal aborts, and then rejects with its reason. Calls `onListening` with the
 * address. Rejects with a `local` failure when it can't listen there.
 */
export async function serveDashboard(
  ctx: Context,
  where: HostPort,
  dashboard: Dashboard,
  onListening: (url: string) => Promise<void>,
): Promise<never> {
  const listener = await openListener(ctx, where, dashboardAnswer(ctx, dashboard)).catch((thrown: unknown) => {
    throw cantListen(where, thrown, '--listen names another address')
  })
  try {
    await onListening(`http://${listener.address}/`)
    throw await aborted(ctx.signal)
  } finally {
    await listener.close(CLOSING_MS)
  }
}
