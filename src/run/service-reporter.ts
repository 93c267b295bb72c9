import { unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { printable } from '../base/printable.ts'
import { notifyService, type ServiceNews } from '../child/service-notify.ts'
import type { Loss } from '../lock/loss.ts'
import type { RunObserver } from './run-observer.ts'
import type { RunSpec } from './run-spec.ts'

/**
 * A wait prolongs the service's start by so much, so often. The first time comes soon: `TimeoutStartSec` may be short.
 */
const PROLONGED_MS = 90_000
const PROLONG_EVERY_MS = 30_000
const PROLONG_FIRST_MS = 3000

/**
 * Tells systemd how a run gets on whose unit's main process we are: it has started when the lock is ours. Until then
 * its status says whom it waits for; afterwards each renewal of the session tells the watchdog that we work.
 */
export class ServiceReporter implements RunObserver {
  readonly #ctx: Context
  readonly #environment: NodeJS.ProcessEnv
  readonly #spec: RunSpec
  #cancel: () => void
  #news: ServiceNews | undefined
  #telling: Promise<void> | undefined

  constructor(ctx: Context, environment: NodeJS.ProcessEnv, spec: RunSpec) {
    this.#ctx = ctx
    this.#environment = environment
    this.#spec = spec
    this.#cancel = ctx.clock.after(PROLONG_FIRST_MS, () => this.#prolong())
  }

  waiting(sentence: string): void {
    this.#tell({ status: printable(sentence) })
    this.#prolong()
  }

  acquired(): void {
    this.#cancel()
    this.#checkWatchdog()
    const { lock, recorded } = this.#spec
    this.#tell({ ready: true, status: `the lock ${lock.name} is ours, ${printable(recorded[0] ?? '')} runs` })
  }

  renewed(): void {
    if (this.#watchdogMs() > 0) this.#tell({ alive: true })
  }

  lost(loss: Loss): void {
    this.#tell({ stopping: true, status: `the lock ${this.#spec.lock.name} is lost: ${printable(loss.sentence)}` })
  }

  ended(): void {
    this.#tell({ stopping: true })
  }

  finished(): void {
    this.#cancel()
  }

  async settled({ signal }: Context): Promise<void> {
    await unlessAborted(signal, this.#telling ?? Promise.resolve()).catch(() => {})
  }

  #prolong(): void {
    this.#cancel()
    this.#tell({ startsWithinMs: PROLONGED_MS })
    this.#cancel = this.#ctx.clock.after(PROLONG_EVERY_MS, () => this.#prolong())
  }

  /** One after the other; what comes meanwhile is told at once afterwards, the latest of each kind. */
  #tell(news: ServiceNews): void {
    this.#news = { ...this.#news, ...news }
    this.#telling ??= this.#tellAll()
  }

  async #tellAll(): Promise<void> {
    while (this.#news) {
      const news = this.#news
      this.#news = undefined
      await notifyService(this.#ctx, this.#environment, news)
    }
    this.#telling = undefined
  }

  /** 0 without a watchdog; https://www.freedesktop.org/software/systemd/man/latest/sd_watchdog_enabled.html */
  #watchdogMs(): number {
    const { WATCHDOG_USEC, WATCHDOG_PID = process.pid } = this.#environment
    return Number(WATCHDOG_PID) === process.pid ? Number(WATCHDOG_USEC ?? 0) / 1000 : 0
  }

  #checkWatchdog(): void {
    const { renewMs } = this.#spec.lock.timing
    const watchdogMs = this.#watchdogMs()
    if (watchdogMs === 0 || watchdogMs >= 2 * renewMs) return
    const say = formatDuration
    this.#ctx.log.warn(
      `WatchdogSec is ${say(watchdogMs)}, and it hears of us every ${say(renewMs)}; make it ${say(3 * renewMs)} or more`,
    )
  }
}
