import { scope } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import type { Application } from './application.ts'
import type { Action } from './machine/action.ts'
import type { Call } from './machine/state.ts'
import type { Teller } from './teller.ts'
import type { Counts } from './view.ts'

type CallAction = Extract<Action, { kind: 'call' }>

/** Calls that are carried to their end whatever comes. */
const UNINTERRUPTED: readonly Call[] = ['demote', 'fence']

/** Carries out the machine's calls of the application, which come one at a time. */
export class Calls {
  readonly counts: Counts = { promotions: 0, demotions: 0, fencings: 0, lost: 0, failedCalls: 0, unhealthy: 0 }
  readonly #teller: Teller
  readonly #onGroup: (group: number | undefined) => void
  #interrupt: () => void = () => {}

  constructor(teller: Teller, onGroup: (group: number | undefined) => void) {
    this.#teller = teller
    this.#onGroup = onGroup
  }

  /** Settles with whether the call has succeeded. Only `interrupt` ends it before. */
  async make(ctx: Context, application: Application, action: CallAction, fence: number | undefined): Promise<boolean> {
    const { call, leader, hurried } = action
    // Not the agent's own signal: what is under way at its end is part of that end.
    using task = scope(new AbortController().signal)
    this.#interrupt = () => task.abort(new Error('the call was interrupted'))
    const terms = { leader, fence, hurried, onGroup: this.#onGroup }
    const end = await application.call(under(ctx, task.signal), call, terms)
    if (task.signal.aborted && !UNINTERRUPTED.includes(call)) return false
    this.#teller.called(call, end, leader)
    if (!end.ok) this.counts.failedCalls += 1
    else if (call === 'demote') this.counts.demotions += 1
    else if (call === 'fence') this.counts.fencings += 1
    return end.ok
  }

  /** Ends the call under way. */
  interrupt(): void {
    this.#interrupt()
  }
}
