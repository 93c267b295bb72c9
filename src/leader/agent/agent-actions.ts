import assert from 'node:assert'
import type { Context } from '../../base/context.ts'
import { messageOf } from '../../base/failure.ts'
import type { Application, CallResult } from '../application/application.ts'
import { isHandover, type LeaderLock } from '../election/leader-lock.ts'
import type { AgentAction } from '../machine/agent-action.ts'
import type { AgentEvent } from '../machine/agent-event.ts'
import type { AgentState } from '../machine/agent-state.ts'
import type { AgentParts } from './agent-parts.ts'
import type { ApplicationCalls, CallAction } from './application-calls.ts'
import type { ChangeLog } from './change-log.ts'
import type { Observer } from './observer.ts'

/** What an agent acts on, and by. */
export interface ActionParts {
  readonly parts: AgentParts
  readonly lock: LeaderLock
  readonly calls: ApplicationCalls
  readonly changeLog: ChangeLog
  readonly observer: Observer
  readonly application: () => Application
  readonly state: () => AgentState
  /** Hears how an action ended, where that is an event. */
  readonly emit: (event: AgentEvent) => void
  /** The agent has come to its end. */
  readonly finish: (clean: boolean) => void
}

/** Does what the machine has decided. */
export class AgentActions {
  readonly #ctx: Context
  readonly #acting: ActionParts
  #cancelWake: () => void = () => {}

  constructor(ctx: Context, acting: ActionParts) {
    this.#ctx = ctx
    this.#acting = acting
  }

  do(action: AgentAction): void {
    const { lock, calls, changeLog, observer, finish } = this.#acting
    switch (action.kind) {
      case 'contend':
        lock.contend()
        break
      case 'withdraw':
        lock.withdraw()
        break
      case 'release':
        lock.release()
        break
      case 'abandon':
        lock.abandon()
        break
      case 'call':
        this.#answerCall(action)
        break
      case 'interrupt':
        calls.interrupt()
        break
      case 'announce':
        calls.counts.promotions += 1
        lock.announce()
        break
      case 'yield':
        if (isHandover(action.reason)) lock.handOver(action.successor)
        changeLog.yields(action.reason, observer.report.message)
        break
      case 'wake':
        this.#wakeAt(action.atMs)
        break
      case 'grant-step-down':
        this.#answerRequest(action.index, undefined)
        break
      case 'refuse-step-down':
        changeLog.refuses(action.why)
        this.#answerRequest(action.index, action.why)
        break
      case 'finish':
        finish(action.clean)
    }
  }

  /** Nothing is to be looked at again. */
  cancelWake(): void {
    this.#cancelWake()
  }

  /** `atMs` is of the monotonic clock. */
  #wakeAt(atMs: number): void {
    const { clock } = this.#ctx
    this.#cancelWake()
    // At least the next millisecond: a clock that runs a little slow would wake us just before, again and again.
    const ms = Math.max(1, Math.ceil(atMs - clock.now().monotonicMs))
    this.#cancelWake = clock.after(ms, () => this.#acting.emit({ kind: 'wake' }))
  }

  #answerRequest(index: number, refused: string | undefined): void {
    this.#acting.parts.answerStepDown(this.#ctx, index, refused).catch((thrown: unknown) => {
      this.#ctx.log.warn(`the request to step down can't be answered: ${messageOf(thrown)}`)
    })
  }

  /** Whoever asked to take the master's data is told what becomes of that. */
  async #answerCall(action: CallAction): Promise<void> {
    const { parts, state, emit } = this.#acting
    const { call } = action
    if (call === 'reinit') parts.reinit.began()
    const { ok, position, message } = await this.#call(action)
    if (call === 'reinit') parts.reinit.ended(state().call?.interrupted ? undefined : { ok, message })
    emit({ kind: 'called', call, ok, position })
  }

  #call(action: CallAction): Promise<CallResult> {
    const { parts, lock, calls, application, state } = this.#acting
    const make = () => {
      assert(action.call !== 'ensure-master' || lock.fence !== undefined, 'nobody is made a master whose lock has gone')
      return calls.make(this.#ctx, application(), action, lock.fence)
    }
    if (action.call !== 'ensure-master' || !state().acceptsLoss) return make()
    // The lock may be lost before the call begins.
    const unlessInterrupted = async () =>
      state().call?.interrupted ? { ok: false, message: 'interrupted' } : await make()
    return parts.promoteWithLoss(this.#ctx, unlessInterrupted)
  }
}
