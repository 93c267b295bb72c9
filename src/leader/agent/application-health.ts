import type { Context } from '../../base/context.ts'
import type { Application, CallResult, HealthReport } from '../application/application.ts'
import type { Leader } from '../machine/agent-state.ts'
import type { Occasion } from '../machine/occasion.ts'

/** What the watch asks about, and whom it tells. */
export interface ApplicationHealthListener {
  readonly application: () => Application
  readonly intervalMs: () => number
  readonly isMaster: () => boolean
  /** The master to catch up with, unless it is us: a master is not asked whether it is ready. */
  readonly asksReadiness: () => boolean
  readonly leader: () => Leader | undefined
  report(report: HealthReport): void
  occasion: () => Occasion
  ready(result: CallResult, occasion: Occasion): void
  /** A round is over: every interval. */
  round(): void
  /** Waits so long, or until another occasion comes. */
  pause(ctx: Context, ms: number): Promise<void>
}

/**
 * Asks the application after its health every interval, until the signal aborts. Whatever else is under way goes on.
 */
export async function watchApplicationHealth(ctx: Context, listener: ApplicationHealthListener): Promise<void> {
  while (!ctx.signal.aborted) {
    const [beganAt, occasion] = [ctx.clock.now(), listener.occasion()]
    const report = await listener.application().health(ctx, listener.isMaster() ? 'master' : 'slave')
    if (ctx.signal.aborted) return
    listener.report(report)
    if (listener.asksReadiness()) {
      const terms = { leader: listener.leader(), fence: undefined, hurried: false, onGroup: () => {} }
      const result = await listener.application().call(ctx, 'ready', terms)
      if (ctx.signal.aborted) return
      listener.ready(result, occasion)
    }
    listener.round()
    if (listener.occasion() !== occasion) continue
    await listener.pause(ctx, Math.max(0, listener.intervalMs() - ctx.clock.since(beganAt)))
  }
}
