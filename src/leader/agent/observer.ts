import { isDeepStrictEqual } from 'node:util'
import { AbortReason, scope, sleep } from '../../base/abort.ts'
import type { Instant } from '../../base/clock.ts'
import { type Context, under } from '../../base/context.ts'
import type { Application, CallResult, HealthReport } from '../application/application.ts'
import { isMeant } from '../cluster/accepted-loss.ts'
import { isUnanswered } from '../cluster/cluster-switches.ts'
import type { LeaderRecord } from '../cluster/leader-record.ts'
import type { ReinitRequest } from '../cluster/reinit-request.ts'
import { effectiveSwitches, leaderIn, occasionIn, type StoredState, saidOn } from '../cluster/stored-state.ts'
import type { AgentEvent } from '../machine/agent-event.ts'
import type { AgentState, YieldReason } from '../machine/agent-state.ts'
import type { Occasion } from '../machine/occasion.ts'
import type { AgentCounts } from './agent-status.ts'
import { watchApplicationHealth } from './application-health.ts'
import type { ChangeLog } from './change-log.ts'
import { doubtIn, type HealthRule, type HealthVerdict, judgeHealth } from './health-verdict.ts'

/** What an agent sees, whom it tells, and what it is while it looks. */
export interface ObserverParts {
  readonly node: string
  readonly changeLog: ChangeLog
  readonly counts: AgentCounts
  readonly application: () => Application
  readonly intervalMs: () => number
  readonly healthRule: () => HealthRule
  readonly state: () => AgentState
  readonly emit: (event: AgentEvent) => void
  /** Whether this holder of the lock is a former life of ours, and who takes its session. */
  readonly isFormerLife: (holder: Partial<LeaderRecord>) => boolean
  readonly takeBack: (session: string) => void
  /** What stands at Consul, while this node is the promoted master. */
  readonly lookAsMaster: (stored: StoredState) => void
  /** What is still to be done about the request that the data be replaced: its id. */
  readonly pendingReinit: (request: ReinitRequest | undefined) => string | undefined
}

/** Makes events of what an agent sees: of its application's health, and of what stands at Consul about the cluster. */
export class Observer {
  readonly #ctx: Context
  readonly #parts: ObserverParts
  #stored: StoredState | undefined
  #wake: () => void = () => {}
  /** The promotion that has had us lead. */
  #lastPromotion: string | undefined
  #report: HealthReport = { healthy: false, message: 'not asked yet' }
  #verdict: HealthVerdict | undefined
  #doubt: string | undefined
  #lookedAt: Instant
  #steppedDownBy: string | undefined

  constructor(ctx: Context, parts: ObserverParts) {
    this.#ctx = ctx
    this.#parts = parts
    this.#lookedAt = ctx.clock.now()
  }

  /** What is believed of the application's health, with the last check's message. */
  get report(): HealthReport {
    return this.#report
  }

  /** `2 of 3`: so many checks in a row have said otherwise. */
  get doubt(): string | undefined {
    return this.#doubt
  }

  /** Who asked for what is done for this reason, if somebody did. */
  askedBy(reason: YieldReason): string | undefined {
    if (reason === 'disabled') return this.#stored?.nodes.get(this.#parts.node)?.disabledBy
    return reason === 'step-down' ? this.#steppedDownBy : undefined
  }

  /** How long ago the application was looked at last, in milliseconds. */
  get sinceLookMs(): number {
    return this.#ctx.clock.since(this.#lookedAt)
  }

  /** Asks after the application's health every interval, and has the roles asserted, until the signal aborts. */
  watchHealth(ctx: Context): Promise<void> {
    const { application, intervalMs, state, emit } = this.#parts
    return watchApplicationHealth(ctx, {
      application,
      intervalMs,
      isMaster: () => state().application === 'master',
      asksReadiness: () => application().asksReadiness && (state().lock !== 'held' || saysPositionAsMaster(state())),
      occasion: () => state().occasion,
      leader: () => state().leader,
      report: (report) => this.#takeReport(report),
      ready: (result, occasion) => this.#takeReadiness(result, occasion),
      round: () => {
        this.#lookedAt = this.#ctx.clock.now()
        this.#compareSwitches()
        this.#comparePromotion()
        this.#lookAsMaster()
        emit({ kind: 'tick' })
      },
      pause: (ctx, ms) => this.#pause(ctx, ms),
    })
  }

  async #pause(ctx: Context, ms: number): Promise<void> {
    using pause = scope(ctx.signal)
    this.#wake = () => pause.abort(new AbortReason('positions are asked for'))
    await sleep(under(ctx, pause.signal), ms).catch(() => {})
    this.#wake = () => {}
  }

  #takeReadiness({ ok, message, position }: CallResult, occasion: Occasion): void {
    const { changeLog, emit, state } = this.#parts
    const own = position === undefined ? undefined : { position, occasion }
    // Who holds the lock by now is asked in another way, unless it is master.
    if (state().lock === 'held') {
      if (saysPositionAsMaster(state())) emit({ kind: 'position', own })
      return
    }
    changeLog.readiness(ok, message)
    emit({ kind: 'ready', ready: ok, own })
  }

  #takeReport(seen: HealthReport): void {
    const { emit, changeLog, counts, healthRule } = this.#parts
    this.#verdict = judgeHealth(this.#verdict, seen, healthRule())
    this.#doubt = doubtIn(this.#verdict, healthRule())
    const { healthy } = this.#verdict
    const message = this.#doubt === undefined ? seen.message : `${seen.message} (${this.#doubt})`
    const report = { ...seen, healthy, message }
    if (!report.healthy && this.#report.healthy) counts.unhealthy += 1
    this.#report = report
    changeLog.health(report, this.#doubt)
    emit({ kind: 'health', healthy: report.healthy, role: report.role })
  }

  /** Takes in what has changed at Consul. */
  observe(stored: StoredState): void {
    const { node, emit, isFormerLife, takeBack } = this.#parts
    this.#stored = stored
    this.#compareSwitches()
    this.#compareSuccession(stored)
    this.#comparePositions(stored)
    this.#comparePromotion()
    const reinit = this.#parts.pendingReinit(stored.reinits.get(node))
    if (reinit !== this.#parts.state().reinit) emit({ kind: 'reinit', id: reinit })
    const { holder } = stored
    if (holder && isFormerLife(holder)) takeBack(holder.session)
    // A lock in our own name that isn't ours is a former life's.
    const leader = leaderIn(stored)
    emit({ kind: 'leader', leader: leader?.node === node ? undefined : leader })
    this.#lookAsMaster()
    const { stepDown } = stored
    if (!stepDown || stepDown.request.node !== node || holder?.node !== node) return
    const { index, request } = stepDown
    if (!isUnanswered(request, this.#ctx.clock.now().wallMs)) return
    this.#steppedDownBy = request.scheduled ? `${request.by}, for this time` : request.by
    emit({ kind: 'step-down', request: { index, force: request.force === true, candidate: request.candidate } })
  }

  #lookAsMaster(): void {
    const { application, lock, yielding } = this.#parts.state()
    const { holder } = this.#stored ?? {}
    if (!this.#stored || holder?.node !== this.#parts.node || holder.promoted !== true) return
    if (application === 'master' && lock === 'held' && yielding === undefined) this.#parts.lookAsMaster(this.#stored)
  }

  #compareSuccession({ cluster }: StoredState): void {
    const { emit, state } = this.#parts
    const { handover, successor } = cluster
    const lastMaster = cluster.lastMaster === handover ? undefined : cluster.lastMaster
    const before = state()
    if (lastMaster === before.lastMaster && successor === before.successor) return
    emit({ kind: 'succession', lastMaster, successor })
  }

  /** What a person has accepted counts once, and not for long. */
  #comparePromotion(): void {
    const { promotion, holder } = this.#stored ?? {}
    const { node, emit, state } = this.#parts
    if (promotion && state().application === 'master') this.#lastPromotion = promotion.id
    const isOurs = promotion?.node === node && promotion.id !== this.#lastPromotion
    const accepted = isOurs && holder?.promoted !== true && isMeant(promotion, this.#ctx.clock.now().wallMs)
    if (accepted !== state().acceptsLoss) emit({ kind: 'accepted-loss', accepted })
  }

  #comparePositions(stored: StoredState): void {
    const { node, emit, state } = this.#parts
    const [occasion, before] = [occasionIn(stored), state()]
    const said = saidOn(occasion, node, stored)
    if (occasion === before.occasion && isDeepStrictEqual(said, before.said)) return
    emit({ kind: 'positions', occasion, said })
    if (occasion !== before.occasion) this.#wake()
  }

  /** Switches expire without a word from Consul. */
  #compareSwitches(): void {
    if (!this.#stored) return
    const { node, state, emit, changeLog } = this.#parts
    const switches = effectiveSwitches(this.#stored, node, this.#ctx.clock.now().wallMs)
    const isNews = JSON.stringify(switches) !== JSON.stringify(state().switches)
    if (isNews) changeLog.switches(switches)
    if (isNews || !state().switchesSeen) emit({ kind: 'switches', switches })
  }
}

/** A master is asked how much it has when it has said so before. */
function saysPositionAsMaster({ application, own }: AgentState): boolean {
  return application === 'master' && own !== undefined
}
