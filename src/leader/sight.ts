import type { Context } from '../base/context.ts'
import { messageOf } from '../base/failure.ts'
import type { Application, Report } from './application.ts'
import { effectiveFor, type Folder, leaderIn } from './folder.ts'
import { watchHealth } from './health-watch.ts'
import type { Event } from './machine/event.ts'
import type { State } from './machine/state.ts'
import type { Teller } from './teller.ts'
import type { Counts } from './view.ts'

/** What an agent sees, whom it tells, and what it is while it looks. */
export interface Sighted {
  readonly node: string
  readonly teller: Teller
  readonly counts: Counts
  readonly application: () => Application
  readonly intervalMs: () => number
  readonly state: () => State
  readonly tell: (event: Event) => void
  /** Takes a request from the folder. */
  readonly takeStepDown: (ctx: Context, index: number) => Promise<void>
}

/** Makes events of what an agent sees: of its application's health, and of what stands at Consul about the cluster. */
export class Sight {
  readonly #ctx: Context
  readonly #sighted: Sighted
  #folder: Folder | undefined
  #report: Report = { healthy: false, message: 'not asked yet' }

  constructor(ctx: Context, sighted: Sighted) {
    this.#ctx = ctx
    this.#sighted = sighted
  }

  /** What the application's last health check said. */
  get report(): Report {
    return this.#report
  }

  /** Asks after the application's health every interval, and has the roles asserted, until the signal aborts. */
  watchHealth(ctx: Context): Promise<void> {
    const { application, intervalMs, state, tell, teller } = this.#sighted
    return watchHealth(ctx, {
      application,
      intervalMs,
      isMaster: () => state().standing === 'master',
      asksReadiness: () => application().asksReadiness && state().tenure !== 'held',
      leader: () => state().leader,
      report: (report) => this.#hear(report),
      ready: (ready, message) => {
        teller.readiness(ready, message)
        tell({ kind: 'ready', ready })
      },
      round: () => {
        this.#weigh()
        tell({ kind: 'tick' })
      },
    })
  }

  #hear(report: Report): void {
    const { tell, teller, counts } = this.#sighted
    if (!report.healthy && this.#report.healthy) counts.unhealthy += 1
    this.#report = report
    teller.health(report)
    tell({ kind: 'health', healthy: report.healthy })
  }

  /** Takes in how the cluster's folder has become. */
  look(folder: Folder): void {
    const { node, tell, takeStepDown } = this.#sighted
    this.#folder = folder
    this.#weigh()
    // A lock in our own name that isn't ours is a former life's: its guardian is at work.
    const leader = leaderIn(folder)
    tell({ kind: 'leader', leader: leader?.node === node ? undefined : leader })
    const { stepDown } = folder
    if (stepDown?.request.node !== node) return
    tell({ kind: 'step-down', force: stepDown.request.force === true })
    takeStepDown(this.#ctx, stepDown.index).catch((thrown: unknown) => {
      this.#ctx.log.warn(`the request to step down can't be taken: ${messageOf(thrown)}`)
    })
  }

  /** Switches expire without a word from Consul. */
  #weigh(): void {
    if (!this.#folder) return
    const { node, state, tell, teller } = this.#sighted
    const switches = effectiveFor(this.#folder, node, this.#ctx.clock.now().wallMs)
    if (JSON.stringify(switches) === JSON.stringify(state().switches)) return
    teller.switches(switches)
    tell({ kind: 'switches', switches })
  }
}
