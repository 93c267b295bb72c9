import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { transact } from '../consul/txn.ts'
import { ALL_PAUSED_KEY, pauseKeyOf } from './lock-keys.ts'
import { type Pause, pauseStateOf } from './pause.ts'

/** A pause that holds a lock now; without `pause` it has no end that can be read. */
export interface PauseNow {
  readonly areAll: boolean
  readonly pause: Pause | undefined
}

/** The pauses that hold the lock of `lockKey` now, as far as the token may see them. */
export async function pausesNow(ctx: Context, consul: Consul, lockKey: string): Promise<PauseNow[]> {
  const keys = [ALL_PAUSED_KEY, pauseKeyOf(lockKey)]
  // Trees, for what the token may not read is left out of them, and is no failure.
  const outcome = await transact(
    ctx,
    consul,
    keys.map((key) => ({ verb: 'get-tree', key })),
  )
  const nowMs = ctx.clock.now().wallMs
  return keys.flatMap((key) => {
    const state = pauseStateOf(outcome.done ? outcome.entries.find((entry) => entry.key === key) : undefined, nowMs)
    return state.kind === 'on' ? [{ areAll: key === ALL_PAUSED_KEY, pause: state.pause }] : []
  })
}
