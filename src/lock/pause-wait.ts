import { firstOf, sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import type { RetryPolicy } from '../consul/retry.ts'
import { transact } from '../consul/txn.ts'
import { ALL_PAUSED_KEY, nameOfPauseKey } from './lock-keys.ts'
import { describePause, LONGEST_PAUSE_MS, type PauseState, pauseStateOf } from './pause.ts'
import type { PauseKey } from './pause-key.ts'
import type { Advice, NextAttempt } from './rider.ts'

interface Paused {
  readonly entry: Entry
  readonly state: Extract<PauseState, { kind: 'on' }>
}

/** One contender's way through the pauses that it meets. */
export class PauseWait {
  readonly #name: string
  readonly #keys: readonly PauseKey[]
  #told: number | undefined
  /** While we wait for the end of a pause we stand in line. */
  #hasLinedUp = false

  constructor(name: string, keys: readonly PauseKey[]) {
    this.#name = name
    this.#keys = keys
  }

  /**
   * Waits until nothing is paused any more, by this machine's wall clock; which pauses are over is noted in the keys.
   * With `once` we don't wait. All that have waited could try at the same moment, so they look at the line first.
   */
  async untilOver(ctx: Context, attempt: NextAttempt, retrying: RetryPolicy): Promise<Advice> {
    const { consul, isOurs, once } = attempt
    if (isOurs) return 'go'
    for (let hasWaited = false; ; hasWaited = true) {
      const paused = await retrying(ctx, () => this.#look(ctx, consul))
      if (!paused) {
        this.#hasLinedUp = false
        return hasWaited ? 'line' : 'go'
      }
      this.#tell(ctx, attempt, paused)
      if (once) return 'busy'
      if (!this.#hasLinedUp) {
        this.#hasLinedUp = true
        return 'line'
      }
      await untilChanged(ctx, consul, paused, retrying)
    }
  }

  /** The pause that is on and ends last. */
  async #look(ctx: Context, consul: Consul): Promise<Paused | undefined> {
    // A tree, for that is no failure when it isn't there, and the token may read none of it.
    const outcome = await transact(
      ctx,
      consul,
      this.#keys.map(({ key }) => ({ verb: 'get-tree', key })),
    )
    const entries = outcome.done ? outcome.entries : []
    const nowMs = ctx.clock.now().wallMs
    let last: Paused | undefined
    for (const known of this.#keys) {
      const entry = entries.find(({ key }) => key === known.key)
      const state = pauseStateOf(entry, nowMs)
      known.over = entry && state.kind === 'over' ? { index: entry.modifyIndex, isStale: state.isStale } : undefined
      if (entry && state.kind === 'on' && !(last && last.state.untilMs >= state.untilMs)) last = { entry, state }
    }
    return last
  }

  #tell(ctx: Context, { once, tell }: NextAttempt, { entry, state }: Paused): void {
    if (this.#told === entry.modifyIndex) return
    this.#told = entry.modifyIndex
    const name = this.#pausedBy(entry.key)
    const howLong = state.pause
      ? describePause(state.pause, ctx.clock.now().wallMs)
      : `until somebody ends that (consul-locker resume ${name ?? '--all'}): who paused left no record that can be read`
    if (once) {
      const subject = name === undefined ? `${this.#name} is paused, as all locks are,` : `${name} is paused`
      ctx.log.notice(`${subject} ${howLong}`)
    } else {
      const own = name === this.#name ? 'paused' : `${name} is paused`
      tell(`waiting for ${this.#name}: ${name === undefined ? 'all locks are paused' : own} ${howLong}`)
    }
  }

  /** The name that is paused by this key: ours, or of several locks that of another one; `undefined` for all. */
  #pausedBy(key: string): string | undefined {
    if (key === ALL_PAUSED_KEY) return undefined
    const [, own] = this.#keys
    return key === own?.key ? this.#name : nameOfPauseKey(key)
  }
}

/** Waits until somebody changes the pause, or it is over. */
async function untilChanged(
  ctx: Context,
  consul: Consul,
  { entry, state }: Paused,
  retrying: RetryPolicy,
): Promise<void> {
  const read = (ctx: Context, from: object) => readKey(ctx, consul, entry.key, { ...from, rights: 'read' })
  const query = new BlockingQuery(read, entry.modifyIndex)
  const leftMs = Math.min(LONGEST_PAUSE_MS, state.untilMs - ctx.clock.now().wallMs)
  await firstOf(ctx, [
    (ctx) => sleep(ctx, Math.max(0, leftMs)),
    async (ctx) => void (await retrying(ctx, () => query.next(ctx))),
  ])
}
