import assert from 'node:assert'
import { AbortReason, scope } from '../../base/abort.ts'
import { type Context, under } from '../../base/context.ts'
import type { OnGroup } from '../../child/task.ts'
import type { Application, CallResult } from '../application/application.ts'
import type { AgentAction } from '../machine/agent-action.ts'
import type { ApplicationCall } from '../machine/agent-state.ts'
import type { AgentCounts } from './agent-status.ts'
import type { ChangeLog } from './change-log.ts'

export type CallAction = Extract<AgentAction, { kind: 'call' }>

/** Calls that are carried to their end whatever comes. */
const UNINTERRUPTED: readonly ApplicationCall[] = ['demote', 'fence']

/** Carries out the machine's calls of the application, which come one at a time. */
export class ApplicationCalls {
  readonly counts: AgentCounts = { promotions: 0, demotions: 0, fencings: 0, lost: 0, failedCalls: 0, unhealthy: 0 }
  readonly #changeLog: ChangeLog
  readonly #onGroup: OnGroup
  #interrupt: () => void = () => {}
  #isCalling = false

  constructor(changeLog: ChangeLog, onGroup: OnGroup) {
    this.#changeLog = changeLog
    this.#onGroup = onGroup
  }

  /** Settles with how the call ended. Only `interrupt` ends it before. */
  async make(
    ctx: Context,
    application: Application,
    action: CallAction,
    fence: number | undefined,
  ): Promise<CallResult> {
    assert(!this.#isCalling, 'an application is not promoted while it is demoted')
    const { call, leader, hurried } = action
    // Not the agent's own signal: what is under way at its end is part of that end.
    using task = scope(new AbortController().signal)
    this.#interrupt = () => task.abort(new AbortReason('the call was interrupted'))
    const terms = { leader, fence, hurried, onGroup: this.#onGroup }
    this.#isCalling = true
    const end = await application.call(under(ctx, task.signal), call, terms).finally(() => {
      this.#isCalling = false
    })
    if (task.signal.aborted && !UNINTERRUPTED.includes(call)) return { ok: false, message: 'interrupted' }
    this.#changeLog.called(call, end, leader)
    if (!end.ok) this.counts.failedCalls += 1
    else if (call === 'demote') this.counts.demotions += 1
    else if (call === 'fence') this.counts.fencings += 1
    return end
  }

  /** Ends the call under way. */
  interrupt(): void {
    this.#interrupt()
  }
}
