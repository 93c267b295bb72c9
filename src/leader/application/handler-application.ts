import { AbortReason, scope } from '../../base/abort.ts'
import { type Context, under } from '../../base/context.ts'
import { formatDuration } from '../../base/duration.ts'
import { messageOf } from '../../base/failure.ts'
import { printable } from '../../base/printable.ts'
import type { LeaderFile } from '../leader-file.ts'
import { CALL_GRACE_MS } from '../leader-timing.ts'
import type { ApplicationCall } from '../machine/agent-state.ts'
import type { Application, CallOptions, CallResult, HealthReport } from './application.ts'
import { callLimitMs } from './call-limit.ts'
import type { Handler } from './handler.ts'

const MESSAGE_LENGTH = 200
/** What is said of a function that doesn't heed its signal. */
export const GOES_ON = ', and may go on'

/** An application that is driven by a handler of ours, in this very process. */
export class HandlerApplication implements Application {
  readonly canDemote = true
  readonly canFence = true
  readonly canStandBy = true
  readonly asksReadiness = true
  readonly #file: LeaderFile
  readonly handler: Handler

  constructor(file: LeaderFile, handler: Handler) {
    this.#file = file
    this.handler = handler
  }

  async health(ctx: Context, role: 'master' | 'slave'): Promise<HealthReport> {
    const limitMs = this.#file.health?.timeout ?? this.#file.timeouts.health
    try {
      const report = await within(ctx, limitMs, (ctx) => this.handler.health(ctx, role))
      return { ...report, message: shorten(report.message) }
    } catch (thrown) {
      return { healthy: false, message: shorten(messageOf(thrown)) }
    }
  }

  async call(ctx: Context, call: ApplicationCall, options: CallOptions): Promise<CallResult> {
    try {
      return await within(ctx, callLimitMs(this.#file, call, options.hurried), (ctx) => this.#do(ctx, call, options))
    } catch (thrown) {
      return { ok: false, message: shorten(messageOf(thrown)) }
    }
  }

  async #do(ctx: Context, call: ApplicationCall, options: CallOptions): Promise<CallResult> {
    const handler = this.handler
    const { leader } = options
    switch (call) {
      case 'ready': {
        const { ready, message, position } = await handler.readyToLead(ctx)
        return { ok: ready, message: shorten(message), ...(position === undefined ? {} : { position }) }
      }
      case 'ensure-master':
        await handler.ensureMaster(ctx, options)
        break
      case 'ensure-slave':
        if (leader) await handler.ensureSlave(ctx, leader, options)
        break
      case 'stand-by':
        await handler.standBy(ctx, options)
        break
      case 'demote':
        await handler.demote(ctx, options)
        break
      case 'fence':
        await handler.fence(ctx, options)
        break
      case 'reinit':
        if (leader) await handler.reinit(ctx, leader, options)
    }
    return { ok: true, message: '' }
  }
}

/**
 * Runs a handler's function, and waits for its end: what it does must not go on beside the next call. One that doesn't
 * heed its signal is left to itself after a grace, and has failed.
 */
async function within<T>(ctx: Context, limitMs: number, work: (ctx: Context) => Promise<T>): Promise<T> {
  using bounded = scope(ctx.signal)
  const { promise: deaf, reject } = Promise.withResolvers<never>()
  let deafness: AbortReason | undefined
  const cancelLimit = ctx.clock.after(limitMs, () => {
    bounded.abort(new AbortReason(`no end within ${formatDuration(limitMs)}`))
  })
  let cancelGrace = () => {}
  bounded.signal.addEventListener('abort', () => {
    cancelGrace = ctx.clock.after(CALL_GRACE_MS, () => {
      deafness = new AbortReason(`${messageOf(bounded.signal.reason)}${GOES_ON}`)
      reject(deafness)
    })
  })
  try {
    return await Promise.race([work(under(ctx, bounded.signal)), deaf])
  } catch (thrown) {
    if (deafness !== undefined && thrown === deafness) throw thrown
    throw bounded.signal.aborted ? bounded.signal.reason : thrown
  } finally {
    cancelLimit()
    cancelGrace()
  }
}

function shorten(message: string): string {
  const line = printable(message).replace(/\s+/g, ' ').trim()
  return line.length > MESSAGE_LENGTH ? `${line.slice(0, MESSAGE_LENGTH - 1)}…` : line
}
