import { AbortReason, scope, sleep } from '../../base/abort.ts'
import { type Context, under } from '../../base/context.ts'
import type { Application, CallResult, HealthReport } from '../application/application.ts'
import { callLimitMs } from '../application/call-limit.ts'
import { type OwnProcess, withDescendants } from '../application/own-process.ts'
import { listeningOn } from '../application/port-holders.ts'
import type { LeaderFile } from '../leader-file.ts'
import type { ApplicationCall, Leader } from '../machine/agent-state.ts'
import type { MemoryNotes } from './memory-notes.ts'
import { broken, KEPT, untold, type Verdict } from './verdict.ts'

/** A clone may have hours, but nobody waits for one here. */
const PATIENCE_MS = 60_000
/** A server that was demoted a moment ago may still be starting. */
const START_MS = 15_000
const LOOK_MS = 100

/** How a call ended that was cut short. */
export interface CutCall {
  /** It was still at it. */
  readonly wasUnderWay: boolean
  /** From the cut to its end, in milliseconds. */
  readonly tookMs: number
  readonly message: string
}

/** The application under test. Nothing here rejects but by the context's signal. */
export class Subject {
  readonly file: LeaderFile
  readonly application: Application
  readonly notes: MemoryNotes

  constructor(file: LeaderFile, application: Application, notes: MemoryNotes) {
    this.file = file
    this.application = application
    this.notes = notes
  }

  health(ctx: Context, role: 'master' | 'slave'): Promise<HealthReport> {
    return this.application.health(ctx, role)
  }

  /** Calls it, for a minute at most. */
  async call(ctx: Context, call: ApplicationCall, leader?: Leader): Promise<CallResult> {
    using bounded = scope(ctx.signal)
    const cancel = ctx.clock.after(PATIENCE_MS, () => bounded.abort(new AbortReason('no end within a minute')))
    try {
      const result = await this.application.call(under(ctx, bounded.signal), call, termsOf(leader))
      ctx.signal.throwIfAborted()
      if (result.ok || !bounded.signal.aborted) return result
      return { ok: false, message: String(bounded.signal.reason) }
    } finally {
      cancel()
    }
  }

  /** Calls it, and cuts that short after a while. */
  async cut(ctx: Context, call: ApplicationCall, afterMs: number, leader?: Leader): Promise<CutCall> {
    using bounded = scope(ctx.signal)
    let cutAt: ReturnType<Context['clock']['now']> | undefined
    const cancel = ctx.clock.after(afterMs, () => {
      cutAt = ctx.clock.now()
      bounded.abort(new AbortReason('the call was interrupted'))
    })
    try {
      const { message } = await this.application.call(under(ctx, bounded.signal), call, termsOf(leader))
      ctx.signal.throwIfAborted()
      return { wasUnderWay: cutAt !== undefined, tookMs: cutAt ? ctx.clock.since(cutAt) : 0, message }
    } finally {
      cancel()
    }
  }

  /** It must succeed. */
  async does(ctx: Context, call: ApplicationCall, leader?: Leader): Promise<Verdict> {
    const { ok, message } = await this.call(ctx, call, leader)
    return ok ? KEPT : broken(message)
  }

  /** It must say that it is master. */
  async leads(ctx: Context): Promise<Verdict> {
    const { role, message } = await this.health(ctx, 'master')
    if (role === undefined) return ROLE_UNTOLD
    return role === 'master' ? KEPT : broken(`it says that it is ${role} (${message})`)
  }

  /** It must not say that it is master. */
  async doesNotLead(ctx: Context): Promise<Verdict> {
    const { role } = await this.health(ctx, 'slave')
    if (role === undefined) return ROLE_UNTOLD
    return role === 'master' ? broken('it says that it is master') : KEPT
  }

  /** Makes it master, so that something can be tried with that; as an agent does it, when the application is well. */
  async promoted(ctx: Context): Promise<Verdict> {
    const beganAt = ctx.clock.now()
    while (!(await this.health(ctx, 'slave')).healthy && ctx.clock.since(beganAt) < START_MS) await sleep(ctx, LOOK_MS)
    const { ok, message } = await this.call(ctx, 'ensure-master')
    return ok ? KEPT : untold(`ensure_master failed: ${message}`)
  }

  /** What listens on its port, and all that came of that. */
  processes(): OwnProcess[] {
    return withDescendants(listeningOn(this.file.port))
  }

  limitMs(call: ApplicationCall): number {
    return callLimitMs(this.file, call, false)
  }
}

const ROLE_UNTOLD = untold("it doesn't say whether it is master")

/** The same, but whether it is master may stay untold. */
export function asFarAsTold(verdict: Verdict): Verdict {
  return verdict.kind === 'not-told' ? KEPT : verdict
}

function termsOf(leader: Leader | undefined) {
  return { leader, fence: 1, hurried: false, onGroup: () => {} }
}
