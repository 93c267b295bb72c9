import { scope, sleep } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { messageOf } from '../base/failure.ts'
import type { Application, Report } from './application.ts'
import { type ElectionListener, isHandover, type Lock } from './election.ts'
import { effectiveFor, type Folder, leaderIn } from './folder.ts'
import type { Guard } from './guard.ts'
import type { Action } from './machine/action.ts'
import type { Event } from './machine/event.ts'
import { isCandidate, roleOf } from './machine/role.ts'
import { mayBeMaster, newState, type State, type Traits } from './machine/state.ts'
import { step } from './machine/step.ts'
import type { Registration } from './registration.ts'
import { Teller } from './teller.ts'
import type { Counts, View } from './view.ts'

/** What an agent is made of. */
export interface Parts {
  readonly name: string
  readonly node: string
  readonly application: Application
  readonly registration: Registration
  readonly guard: Guard
  /** Makes our way to the lock. */
  readonly lock: (ctx: Context, listener: ElectionListener) => Lock
  /** From the loss of the lock until the application must be no master any more, in milliseconds. */
  readonly graceMs: number
  /** Watches the cluster's folder until the signal aborts. */
  readonly watch: (ctx: Context, receive: (folder: Folder) => void) => Promise<void>
  /** Watches whether better candidates are there, until the signal aborts. */
  readonly watchRank: (ctx: Context, receive: (outranked: boolean) => void) => Promise<void>
  /** Takes a request from the folder. */
  readonly takeStepDown: (ctx: Context, index: number) => Promise<void>
}

/** What may be changed while an agent runs. */
export interface Tuning {
  readonly intervalMs: number
  readonly nofailover: boolean
  readonly minLeaderMs: number
}

/** One application on one node: it runs the state machine, and does what that decides. */
export class Agent {
  readonly #parts: Parts
  readonly #lock: Lock
  readonly #teller: Teller
  readonly #ended = Promise.withResolvers<boolean>()
  readonly #counts: Counts = { promotions: 0, demotions: 0, fencings: 0, lost: 0, failedCalls: 0, unhealthy: 0 }
  #ctx: Context
  #application: Application
  #tuning: Tuning
  #state: State
  #report: Report = { healthy: false, message: 'not asked yet' }
  #folder: Folder | undefined
  #interrupt: () => void = () => {}
  readonly #events: Event[] = []
  #isStepping = false
  #guarded = false

  constructor(ctx: Context, parts: Parts, tuning: Tuning) {
    this.#ctx = ctx
    this.#parts = parts
    this.#application = parts.application
    this.#tuning = tuning
    this.#state = newState(this.#traits())
    this.#teller = new Teller(ctx.log, parts.name)
    this.#lock = parts.lock(ctx, {
      tell: (event) => this.#tell(event),
      session: (id) => parts.guard.session(id),
      renewed: () => this.#armGuard(),
    })
  }

  /** Runs until `stop` has been heeded. Settles with whether the application was left as no master. */
  async run(): Promise<boolean> {
    const { guard, registration, watch, watchRank } = this.#parts
    using work = scope(this.#ctx.signal)
    const ctx = under(this.#ctx, work.signal)
    const failed = () => this.#lock.lose({ kind: 'unguarded', sentence: 'no guardian could be kept alive' })
    guard.failed.addEventListener('abort', failed, { once: true })
    const running = [
      this.#watchHealth(ctx),
      watch(ctx, (folder) => this.#look(folder)),
      watchRank(ctx, (outranked) => this.#tell({ kind: 'outranked', outranked })),
      registration.keep(ctx),
    ]
    const broken = Promise.all(running).then(() => this.#ended.promise)
    const clean = await Promise.race([this.#ended.promise, broken])
    work.abort(new Error('the agent has ended'))
    await Promise.allSettled(running)
    await registration.remove(this.#ctx)
    if (clean) guard.dismiss()
    return clean
  }

  /** Demotes, gives the lock back, and ends. */
  stop(): void {
    this.#tell({ kind: 'stop' })
  }

  /** Another configuration from now on. */
  retune(application: Application, tuning: Tuning): void {
    this.#application = application
    this.#tuning = tuning
    this.#state = { ...this.#state, traits: this.#traits() }
    if (!application.asksReadiness) this.#tell({ kind: 'ready', ready: true })
    this.#tell({ kind: 'tick' })
  }

  get view(): View {
    const { tenure, standing, call, following, leader, switches, stuck } = this.#state
    const { name, node } = this.#parts
    const isOurs = tenure === 'held'
    return {
      name,
      node,
      role: roleOf(this.#state),
      healthy: this.#report.healthy,
      message: this.#report.message,
      candidate: isCandidate(this.#state),
      lock: tenure,
      application: standing,
      call: call?.kind,
      following,
      master: leader,
      since: this.#lock.since,
      fence: this.#lock.fence,
      leaseLeftMs: isOurs ? Math.round(this.#lock.leaseLeftMs) : undefined,
      switches,
      stuck: stuck > 0,
      counts: { ...this.#counts },
    }
  }

  #traits(): Traits {
    const { canDemote, canFence, asksReadiness } = this.#application
    const { nofailover, minLeaderMs } = this.#tuning
    return { node: this.#parts.node, nofailover, minLeaderMs, canDemote, canFence, asksReadiness }
  }

  async #watchHealth(ctx: Context): Promise<void> {
    while (!ctx.signal.aborted) {
      const beganAt = ctx.clock.now()
      const report = await this.#application.health(ctx)
      if (ctx.signal.aborted) return
      if (!report.healthy && this.#report.healthy) this.#counts.unhealthy += 1
      this.#report = report
      this.#teller.health(report)
      this.#tell({ kind: 'health', healthy: report.healthy })
      await this.#askReadiness(ctx)
      this.#weigh()
      this.#tell({ kind: 'tick' })
      await sleep(ctx, Math.max(0, this.#tuning.intervalMs - ctx.clock.since(beganAt))).catch(() => {})
    }
  }

  /** A master need not be asked; before a promotion the machine asks again. */
  async #askReadiness(ctx: Context): Promise<void> {
    if (!this.#application.asksReadiness || this.#state.tenure === 'held') return
    const terms = { leader: this.#state.leader, fence: undefined, hurried: false, onGroup: () => {} }
    const { ok, message } = await this.#application.call(ctx, 'ready', terms)
    if (ctx.signal.aborted) return
    this.#teller.readiness(ok, message)
    this.#tell({ kind: 'ready', ready: ok })
  }

  #look(folder: Folder): void {
    this.#folder = folder
    const { node, takeStepDown } = this.#parts
    this.#weigh()
    // A lock in our own name that isn't ours is a former life's: its guardian is at work.
    const leader = leaderIn(folder)
    this.#tell({ kind: 'leader', leader: leader?.node === node ? undefined : leader })
    const { stepDown } = folder
    if (stepDown?.request.node !== node) return
    this.#tell({ kind: 'step-down', force: stepDown.request.force === true })
    takeStepDown(this.#ctx, stepDown.index).catch((thrown: unknown) => {
      this.#ctx.log.warn(`the request to step down can't be taken: ${messageOf(thrown)}`)
    })
  }

  /** Switches expire without a word from Consul. */
  #weigh(): void {
    if (!this.#folder) return
    const switches = effectiveFor(this.#folder, this.#parts.node, this.#ctx.clock.now().wallMs)
    if (JSON.stringify(switches) === JSON.stringify(this.#state.switches)) return
    this.#teller.switches(switches)
    this.#tell({ kind: 'switches', switches })
  }

  /** One event after the other: what is done about one may tell another. */
  #tell(event: Event): void {
    this.#events.push(event)
    if (this.#isStepping) return
    this.#isStepping = true
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) this.#step(next)
    } finally {
      this.#isStepping = false
    }
  }

  #step(event: Event): void {
    if (event.kind === 'lost') this.#counts.lost += 1
    const { state, actions } = step(this.#state, event, this.#ctx.clock.now().monotonicMs)
    this.#state = state
    this.#armGuard()
    this.#show()
    for (const action of actions) this.#do(action)
  }

  #show(): void {
    const { registration } = this.#parts
    if (this.#state.health === 'unknown') return
    const state = this.#state
    registration.show({ role: roleOf(state), candidate: isCandidate(state), healthy: state.health === 'healthy' })
  }

  #armGuard(): void {
    const { guard, graceMs } = this.#parts
    if (!mayBeMaster(this.#state)) {
      if (this.#guarded) guard.master(undefined)
      this.#guarded = false
      return
    }
    this.#guarded = true
    const isHeld = this.#state.tenure === 'held'
    const lostAt = this.#ctx.clock.now()
    // What is lost we demote ourselves; whoever helps us must not do so at the same time.
    guard.master(() => (isHeld ? this.#lock.leaseLeftMs : graceMs - this.#ctx.clock.since(lostAt)))
  }

  #do(action: Action): void {
    switch (action.kind) {
      case 'contend':
        this.#lock.contend()
        break
      case 'withdraw':
        this.#lock.withdraw()
        break
      case 'release':
        this.#lock.release(isHandover(action.reason))
        break
      case 'abandon':
        this.#lock.abandon()
        break
      case 'call':
        this.#call(action)
        break
      case 'interrupt':
        this.#interrupt()
        break
      case 'announce':
        this.#counts.promotions += 1
        this.#lock.announce()
        break
      case 'yield':
        this.#teller.yields(action.reason, this.#report.message)
        break
      case 'refuse-step-down':
        this.#teller.refuses(this.#tuning.minLeaderMs)
        break
      case 'finish':
        this.#ended.resolve(action.clean)
    }
  }

  async #call({ call, leader, hurried }: Extract<Action, { kind: 'call' }>): Promise<void> {
    // Not the agent's own signal: what is under way at its end is part of that end.
    using task = scope(new AbortController().signal)
    this.#interrupt = () => task.abort(new Error('the call was interrupted'))
    const onGroup = (group: number | undefined) => this.#parts.guard.calling(group)
    const fence = this.#lock.fence
    const end = await this.#application.call(under(this.#ctx, task.signal), call, { leader, fence, hurried, onGroup })
    const ok = end.ok && !(task.signal.aborted && call !== 'demote' && call !== 'fence')
    if (!task.signal.aborted) this.#teller.called(call, { ...end, ok }, leader)
    if (!ok && !task.signal.aborted) this.#counts.failedCalls += 1
    if (ok && call === 'demote') this.#counts.demotions += 1
    if (ok && call === 'fence') this.#counts.fencings += 1
    this.#tell({ kind: 'called', call, ok })
  }
}
