import { AbortReason, scope } from '../../base/abort.ts'
import { type Context, under } from '../../base/context.ts'
import { messageOf } from '../../base/failure.ts'
import { DEADLINE_PASSED } from '../../lock/loss.ts'
import type { Application, CallResult } from '../application/application.ts'
import { isHandover, type LeaderLock } from '../election/leader-lock.ts'
import { advance } from '../machine/advance.ts'
import type { AgentAction } from '../machine/agent-action.ts'
import type { AgentEvent } from '../machine/agent-event.ts'
import { type AgentState, type AgentTraits, mayBeMaster, mayBeOpen, newState } from '../machine/agent-state.ts'
import type { AgentParts, AgentTuning } from './agent-parts.ts'
import { AgentReporter } from './agent-reporter.ts'
import type { AgentStatus } from './agent-status.ts'
import { ApplicationCalls, type CallAction } from './application-calls.ts'
import { ChangeLog } from './change-log.ts'
import { MasterCountdown } from './master-countdown.ts'
import { Observer } from './observer.ts'
import { PositionReport } from './position-report.ts'
import { SwitchoverTimer } from './switchover-timer.ts'

/** One application on one node: it runs the state machine, and does what that decides. */
export class FailoverAgent {
  readonly #parts: AgentParts
  readonly #lock: LeaderLock
  readonly #changeLog: ChangeLog
  readonly #calls: ApplicationCalls
  readonly #observer: Observer
  readonly #position: PositionReport
  readonly #countdown: MasterCountdown
  readonly #reporter: AgentReporter
  readonly #ctx: Context
  readonly #ended = Promise.withResolvers<boolean>()
  #application: Application
  #tuning: AgentTuning
  #state: AgentState
  readonly #events: AgentEvent[] = []
  #cancelWake: () => void = () => {}
  #isStepping = false
  #loss: string | undefined

  constructor(ctx: Context, parts: AgentParts, tuning: AgentTuning) {
    this.#ctx = ctx
    this.#parts = parts
    this.#application = parts.application
    this.#tuning = tuning
    this.#state = newState(this.#traits())
    this.#changeLog = new ChangeLog(ctx.log, parts.name)
    this.#calls = new ApplicationCalls(this.#changeLog, (group) => parts.guardian.setCallGroup(group))
    const timer = new SwitchoverTimer(ctx, parts)
    this.#observer = new Observer(ctx, {
      node: parts.node,
      changeLog: this.#changeLog,
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
    this.#cancelWake()
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
    for (const action of actions) this.#do(action)
  }

  #armGuardian(): void {
    const { guardian } = this.#parts
    const time = () => this.#countdown.time(this.#state, this.#lock.leaseLeftMs)
    guardian.setMaster(mayBeMaster(this.#state) ? time : undefined)
  }

  /** `atMs` is of the monotonic clock. */
  #wakeAt(atMs: number): void {
    const { clock } = this.#ctx
    this.#cancelWake()
    // At least the next millisecond: a clock that runs a little slow would wake us just before, again and again.
    const ms = Math.max(1, Math.ceil(atMs - clock.now().monotonicMs))
    this.#cancelWake = clock.after(ms, () => this.#handle({ kind: 'wake' }))
  }

  #answerRequest(index: number, refused: string | undefined): void {
    this.#parts.answerStepDown(this.#ctx, index, refused).catch((thrown: unknown) => {
      this.#ctx.log.warn(`the request to step down can't be answered: ${messageOf(thrown)}`)
    })
  }

  #call(action: CallAction): Promise<CallResult> {
    const make = () => this.#calls.make(this.#ctx, this.#application, action, this.#lock.fence)
    if (action.call !== 'ensure-master' || !this.#state.acceptsLoss) return make()
    // The lock may be lost before the call begins.
    const unlessInterrupted = async () =>
      this.#state.call?.interrupted ? { ok: false, message: 'interrupted' } : await make()
    return this.#parts.promoteWithLoss(this.#ctx, unlessInterrupted)
  }

  /** What becomes of a request to take the master's data is told to who asked. */
  async #answerCall(action: CallAction): Promise<void> {
    const { reinit } = this.#parts
    const { call } = action
    if (call === 'reinit') reinit.began()
    const { ok, position, message } = await this.#call(action)
    if (call === 'reinit') reinit.ended(this.#state.call?.interrupted ? undefined : { ok, message })
    this.#handle({ kind: 'called', call, ok, position })
  }

  #do(action: AgentAction): void {
    switch (action.kind) {
      case 'contend':
        this.#lock.contend()
        break
      case 'withdraw':
        this.#lock.withdraw()
        break
      case 'release':
        this.#lock.release()
        break
      case 'abandon':
        this.#lock.abandon()
        break
      case 'call':
        this.#answerCall(action)
        break
      case 'interrupt':
        this.#calls.interrupt()
        break
      case 'announce':
        this.#calls.counts.promotions += 1
        this.#lock.announce()
        break
      case 'yield':
        if (isHandover(action.reason)) this.#lock.handOver(action.successor)
        this.#changeLog.yields(action.reason, this.#observer.report.message)
        break
      case 'wake':
        this.#wakeAt(action.atMs)
        break
      case 'grant-step-down':
        this.#answerRequest(action.index, undefined)
        break
      case 'refuse-step-down':
        this.#changeLog.refuses(action.why)
        this.#answerRequest(action.index, action.why)
        break
      case 'finish':
        this.#ended.resolve(action.clean)
    }
  }
}
