import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import type { Application, Report } from './application.ts'
import type { Leader } from './machine/state.ts'

/** What the watch asks about, and whom it tells. */
export interface HealthListener {
  readonly application: () => Application
  readonly intervalMs: () => number
  readonly isMaster: () => boolean
  /** The master to catch up with, unless it is us: a master is not asked whether it is ready. */
  readonly asksReadiness: () => boolean
  readonly leader: () => Leader | undefined
  report(report: Report): void
  ready(ready: boolean, message: string): void
  /** A round is over: every interval. */
  round(): void
}

/** Asks the application after its health every interval, until the signal aborts. Whatever else is under way goes on. */
export async function watchHealth(ctx: Context, listener: HealthListener): Promise<void> {
  while (!ctx.signal.aborted) {
    const beganAt = ctx.clock.now()
    const report = await listener.application().health(ctx, listener.isMaster() ? 'master' : 'slave')
    if (ctx.signal.aborted) return
    listener.report(report)
    if (listener.asksReadiness()) {
      const terms = { leader: listener.leader(), fence: undefined, hurried: false, onGroup: () => {} }
      const { ok, message } = await listener.application().call(ctx, 'ready', terms)
      if (ctx.signal.aborted) return
      listener.ready(ok, message)
    }
    listener.round()
    await sleep(ctx, Math.max(0, listener.intervalMs() - ctx.clock.since(beganAt))).catch(() => {})
  }
}
