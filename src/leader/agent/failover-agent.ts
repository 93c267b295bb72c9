import { AbortReason, scope } from '../../base/abort.ts'
import { type Context, under } from '../../base/context.ts'
import { DEADLINE_PASSED } from '../../lock/loss.ts'
import type { Application } from '../application/application.ts'
import type { LeaderLock } from '../election/leader-lock.ts'
import { advance } from '../machine/advance.ts'
import type { AgentEvent } from '../machine/agent-event.ts'
import { type AgentState, type AgentTraits, mayBeMaster, mayBeOpen, newState } from '../machine/agent-state.ts'
import { AgentActions } from './agent-actions.ts'
import type { AgentParts, AgentTuning } from './agent-parts.ts'
import { AgentReporter } from './agent-reporter.ts'
import type { AgentStatus } from './agent-status.ts'
import { ApplicationCalls } from './application-calls.ts'
import { ChangeLog } from './change-log.ts'
import { MasterCountdown } from './master-countdown.ts'
import { Observer } from './observer.ts'
import { PositionReport } from './position-report.ts'
import { SwitchoverTimer } from './switchover-timer.ts'

/** One application on one node: it runs the state machine, and does what that decides. */
export class FailoverAgent {
  readonly #parts: AgentParts
  readonly #lock: LeaderLock
  readonly #calls: ApplicationCalls
  readonly #observer: Observer
  readonly #position: PositionReport
  readonly #countdown: MasterCountdown
  readonly #reporter: AgentReporter
  readonly #actions: AgentActions
  readonly #ctx: Context
  readonly #ended = Promise.withResolvers<boolean>()
  #application: Application
  #tuning: AgentTuning
  #state: AgentState
  readonly #events: AgentEvent[] = []
  #isStepping = false
  #loss: string | undefined

  constructor(ctx: Context, parts: AgentParts, tuning: AgentTuning) {
    this.#ctx = ctx
    this.#parts = parts
    this.#application = parts.application
    this.#tuning = tuning
    this.#state = newState(this.#traits())
    const changeLog = new ChangeLog(ctx.log, parts.name)
    this.#calls = new ApplicationCalls(changeLog, (group) => parts.guardian.setCallGroup(group))
    const timer = new SwitchoverTimer(ctx, parts)
    this.#observer = new Observer(ctx, {
      node: parts.node,
      changeLog,
      counts: this.#calls.counts,
      application: () => this.#application,
      intervalMs: () => this.#tuning.intervalMs,
      healthRule: () => this.#tuning.healthRule,
      state: () => this.#state,
      emit: (event) => this.#handle(event),
      pendingReinit: (request) => parts.reinit.pending(request),
      lookAsMaster: (stored) => void timer.look(stored),
      isFormerLife: parts.isFormerLife,
      takeBack: (session) => this.#lock.takeBack(session),
    })
    this.#position = new PositionReport(ctx, parts.sayPosition)
    this.#countdown = new MasterCountdown(ctx.clock, parts)
    this.#lock = parts.lock(ctx, {
      emit: (event) => this.#handle(event),
      onSession: (id) => parts.guardian.setSession(id),
      onRenewed: () => this.#armGuardian(),
    })
    this.#reporter = new AgentReporter({
      parts,
      tuning: () => this.#tuning,
      observer: this.#observer,
      lock: this.#lock,
      counts: this.#calls.counts,
    })
    this.#actions = new AgentActions(ctx, {
      parts,
      lock: this.#lock,
      calls: this.#calls,
      changeLog,
      observer: this.#observer,
      application: () => this.#application,
      state: () => this.#state,
      emit: (event) => this.#handle(event),
      finish: (clean) => this.#ended.resolve(clean),
    })
  }

  /** Runs until `stop` has been heeded. Settles with whether the application was left as no master. */
  async run(): Promise<boolean> {
    const { guardian, registration, watchStoredState, watchPeers } = this.#parts
    using work = scope(this.#ctx.signal)
    const ctx = under(this.#ctx, work.signal)
    // A master that nobody would demote in our place must be none; we can still do that ourselves, and without a loss.
    guardian.failed.addEventListener('abort', () => this.stop(), { once: true })
    if (guardian.failed.aborted) this.stop()
    const running = [
      this.#observer.watchHealth(ctx),
      watchStoredState(ctx, (stored) => this.#observer.observe(stored)),
      watchPeers(ctx, (peers) => this.#handle({ kind: 'peers', peers })),
      registration.keep(ctx),
    ]
    const broken = Promise.all(running).then(() => this.#ended.promise)
    const clean = await Promise.race([this.#ended.promise, broken])
    this.#actions.cancelWake()
    work.abort(new AbortReason('the agent has ended'))
    await Promise.allSettled(running)
    await Promise.all([registration.remove(this.#ctx), ...this.#parts.spectators.map((one) => one.finish())])
    if (clean) guardian.dismiss()
    return clean
  }

  /** Demotes, gives the lock back, and ends. */
  stop(): void {
    this.#handle({ kind: 'stop' })
  }

  /** Another configuration from now on. */
  retune(application: Application, tuning: AgentTuning): void {
    this.#application = application
    this.#tuning = tuning
    this.#state = { ...this.#state, traits: this.#traits() }
    if (!application.asksReadiness) this.#handle({ kind: 'ready', ready: true })
    this.#handle({ kind: 'tick' })
    if (this.#state.application === 'master') this.#lock.recount()
  }

  get status(): AgentStatus {
    return this.#reporter.status(this.#state)
  }

  #traits(): AgentTraits {
    const { canDemote, canFence, canStandBy, asksReadiness } = this.#application
    const { nofailover, priority, minLeaderMs, maxLag: bound } = this.#tuning
    const maxLag = bound && 'positions' in bound ? BigInt(Math.trunc(bound.positions)) : 0n
    const own = { node: this.#parts.node, nofailover, priority, minLeaderMs, maxLag }
    return { ...own, canDemote, canFence, canStandBy, asksReadiness }
  }

  /** One event after the other: what is done about one may tell another. */
  #handle(event: AgentEvent): void {
    // Who wakes from a suspension must not assert anything before the deadline that passed meanwhile.
    if (!this.#isStepping && this.#state.lock === 'held' && this.#lock.leaseLeftMs <= 0)
      this.#lock.lose(DEADLINE_PASSED)
    this.#events.push(event)
    if (this.#isStepping) return
    this.#isStepping = true
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) this.#step(next)
    } finally {
      this.#isStepping = false
    }
  }

  #step(event: AgentEvent): void {
    if (event.kind === 'lost') {
      this.#calls.counts.lost += 1
      this.#loss = event.why
    }
    const { state, actions } = advance(this.#state, event, this.#ctx.clock.now().monotonicMs)
    if (state.own && state.own !== this.#state.own) this.#position.take(state.own)
    this.#countdown.stepped(this.#state, state)
    this.#state = state
    this.#armGuardian()
    this.#reporter.publish(state, this.#loss)
    if (!mayBeMaster(state) && !mayBeOpen(state)) this.#lock.releaseLost()
    for (const action of actions) this.#actions.do(action)
  }

  #armGuardian(): void {
    const { guardian } = this.#parts
    const time = () => this.#countdown.time(this.#state, this.#lock.leaseLeftMs)
    guardian.setMaster(mayBeMaster(this.#state) ? time : undefined)
  }
}
