import { scope } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { DEADLINE } from '../lock/loss.ts'
import type { Application } from './application.ts'
import { Calls } from './calls.ts'
import type { Folder } from './folder.ts'
import type { Guard } from './guard.ts'
import { isHandover, type Lock, type LockListener } from './lock.ts'
import type { Action } from './machine/action.ts'
import type { Event } from './machine/event.ts'
import { isCandidate, roleOf } from './machine/role.ts'
import { mayBeMaster, newState, type State, type Traits } from './machine/state.ts'
import { step } from './machine/step.ts'
import type { Registration } from './registration.ts'
import { Sight } from './sight.ts'
import { Teller } from './teller.ts'
import type { View } from './view.ts'

/** What an agent is made of. */
export interface Parts {
  readonly name: string
  readonly node: string
  readonly application: Application
  readonly registration: Registration
  readonly guard: Guard
  /** Makes our way to the lock. */
  readonly lock: (ctx: Context, listener: LockListener) => Lock
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
  readonly #calls: Calls
  readonly #sight: Sight
  readonly #ctx: Context
  readonly #ended = Promise.withResolvers<boolean>()
  #application: Application
  #tuning: Tuning
  #state: State
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
    this.#calls = new Calls(this.#teller, (group) => parts.guard.calling(group))
    this.#sight = new Sight(ctx, {
      node: parts.node,
      teller: this.#teller,
      counts: this.#calls.counts,
      application: () => this.#application,
      intervalMs: () => this.#tuning.intervalMs,
      state: () => this.#state,
      tell: (event) => this.#tell(event),
      takeStepDown: parts.takeStepDown,
    })
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
    // A master that nobody would demote in our place must be none; we can still do that ourselves, and without a loss.
    guard.failed.addEventListener('abort', () => this.stop(), { once: true })
    if (guard.failed.aborted) this.stop()
    const running = [
      this.#sight.watchHealth(ctx),
      watch(ctx, (folder) => this.#sight.look(folder)),
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
      healthy: this.#sight.report.healthy,
      message: this.#sight.report.message,
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
      counts: { ...this.#calls.counts },
    }
  }

  #traits(): Traits {
    const { canDemote, canFence, asksReadiness } = this.#application
    const { nofailover, minLeaderMs } = this.#tuning
    return { node: this.#parts.node, nofailover, minLeaderMs, canDemote, canFence, asksReadiness }
  }

  /** One event after the other: what is done about one may tell another. */
  #tell(event: Event): void {
    // Who wakes from a suspension must not assert anything before the deadline that passed meanwhile.
    if (!this.#isStepping && this.#state.tenure === 'held' && this.#lock.leaseLeftMs <= 0) this.#lock.lose(DEADLINE)
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
    if (event.kind === 'lost') this.#calls.counts.lost += 1
    const { state, actions } = step(this.#state, event, this.#ctx.clock.now().monotonicMs)
    this.#state = state
    this.#armGuard()
    this.#show()
    if (!mayBeMaster(state)) this.#lock.settle()
    for (const action of actions) this.#do(action)
  }

  #show(): void {
    const { registration } = this.#parts
    if (this.#state.health === 'unknown') return
    const state = this.#state
    const { message } = this.#sight.report
    const healthy = state.health === 'healthy'
    registration.show({ role: roleOf(state), candidate: isCandidate(state), healthy, message })
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
        this.#lock.release()
        break
      case 'abandon':
        this.#lock.abandon()
        break
      case 'call':
        this.#calls
          .make(this.#ctx, this.#application, action, this.#lock.fence)
          .then((ok) => this.#tell({ kind: 'called', call: action.call, ok }))
        break
      case 'interrupt':
        this.#calls.interrupt()
        break
      case 'announce':
        this.#calls.counts.promotions += 1
        this.#lock.announce()
        break
      case 'yield':
        if (isHandover(action.reason)) this.#lock.handOver()
        this.#teller.yields(action.reason, this.#sight.report.message)
        break
      case 'refuse-step-down':
        this.#teller.refuses(this.#tuning.minLeaderMs)
        break
      case 'finish':
        this.#ended.resolve(action.clean)
    }
  }
}
