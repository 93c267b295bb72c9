import type { Context } from '../base/context.ts'
import { oneLine } from '../base/printable.ts'
import { compareAndSet } from '../consul/compare-and-set.ts'
import type { Consul } from '../consul/consul.ts'
import { type Pause, type PauseState, pauseStateOf, REASON_LENGTH } from './pause.ts'

/** What is asked for: from now on, for so many milliseconds. */
export interface PauseWish {
  readonly forMs: number
  readonly by: string
  readonly reason: string | undefined
}

/** What a switch has found, and the pause that stands there now. */
export interface Paused {
  readonly before: PauseState
  readonly pause: Pause
  /** One that ends later was there: nobody's pause is cut short by another one. */
  readonly isKept: boolean
}

/** Writes a pause, unless one is on that ends later. */
export async function startPause(ctx: Context, consul: Consul, key: string, wish: PauseWish): Promise<Paused> {
  const nowMs = ctx.clock.now().wallMs
  const { by, reason } = wish
  const pause: Pause = {
    until: new Date(nowMs + wish.forMs).toISOString(),
    since: new Date(nowMs).toISOString(),
    by,
    ...(reason !== undefined && { reason: oneLine(reason, REASON_LENGTH) }),
  }
  let paused: Paused = { before: { kind: 'none' }, pause, isKept: false }
  await compareAndSet(ctx, consul, key, (entry) => {
    const before = pauseStateOf(entry, nowMs)
    const later = before.kind === 'on' && before.untilMs > nowMs + wish.forMs ? before.pause : undefined
    paused = { before, pause: later ?? pause, isKept: later !== undefined }
    return later ? 'keep' : { value: JSON.stringify(pause) }
  })
  return paused
}

/** Ends a pause, whoever has begun it. Settles with what it was. */
export async function endPause(ctx: Context, consul: Consul, key: string): Promise<PauseState> {
  let before: PauseState = { kind: 'none' }
  await compareAndSet(ctx, consul, key, (entry) => {
    before = pauseStateOf(entry, ctx.clock.now().wallMs)
    return 'delete'
  })
  return before
}
