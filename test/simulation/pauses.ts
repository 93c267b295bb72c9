import type { Context } from '../../src/base/context.ts'
import { Consul } from '../../src/consul/consul.ts'
import { Retry } from '../../src/consul/retry.ts'
import { type TxnOp, transact } from '../../src/consul/txn.ts'
import type { DevAgent } from '../../src/devagent/dev-agent.ts'
import { ALL_PAUSED_KEY, pauseKeyOf } from '../../src/lock/lock-keys.ts'
import { endPause, startPause } from '../../src/lock/write-pause.ts'
import { NO_SETTINGS } from '../virtual/settings.ts'
import { SILENT } from '../virtual/silent-log.ts'
import type { VirtualClock } from '../virtual/virtual-clock.ts'

/** An operator pauses the lock, or all of them, and perhaps ends that before its time. */
export interface PlannedPause {
  readonly atMs: number
  readonly forMs: number
  readonly isAll: boolean
  /** After the pause has begun. */
  readonly resumedAfterMs?: number
}

/** A pause that stood in Consul: claims between these raft indexes came after it, and before somebody ended it. */
interface Stood {
  readonly key: string
  readonly from: number
  to: number
  readonly untilMs: number
}

/** The pauses of a story, and a judge of commands that begin in spite of them. */
export class Pauses {
  readonly violations: string[] = []
  /** Commands that began after some pause was over. */
  begunAfterwards = 0
  readonly #ctx: Context
  readonly #agent: DevAgent
  readonly #consul: Consul
  readonly #lockKey: string
  readonly #stood: Stood[] = []
  #marks = 0

  constructor(time: VirtualClock, agent: DevAgent, lockKey: string, random: () => number) {
    this.#ctx = { clock: time, log: SILENT, signal: new AbortController().signal, random }
    this.#agent = agent
    this.#consul = new Consul(NO_SETTINGS, agent.transport())
    this.#lockKey = lockKey
  }

  async begin({ forMs, isAll, resumedAfterMs }: PlannedPause): Promise<void> {
    const key = isAll ? ALL_PAUSED_KEY : pauseKeyOf(this.#lockKey)
    const { pause, isKept } = await this.#do(() =>
      startPause(this.#ctx, this.#consul, key, { forMs, by: 'simulated', reason: undefined }),
    )
    const from = await this.#index()
    // Somebody may have ended it meanwhile.
    const stands = this.#agent.operator.entry(key) !== undefined
    if (!isKept && stands)
      this.#stood.push({ key, from, to: Number.POSITIVE_INFINITY, untilMs: Date.parse(pause.until) })
    if (resumedAfterMs !== undefined) this.#ctx.clock.after(resumedAfterMs, () => void this.#end(key))
  }

  async #end(key: string): Promise<void> {
    const to = await this.#index()
    const close = () => {
      for (const stood of this.#stood) if (stood.key === key) stood.to = Math.min(stood.to, to)
    }
    close()
    await this.#do(() => endPause(this.#ctx, this.#consul, key))
    // Those too that came meanwhile: whichever stood there was deleted.
    close()
  }

  /** The servers' raft index now, or a little later. */
  async #index(): Promise<number> {
    // The same value once more would change nothing, and leave the index.
    const mark: TxnOp = { verb: 'set', key: 'simulated-mark', value: String(++this.#marks) }
    const outcome = await this.#do(() => transact(this.#ctx, this.#consul, [mark]))
    return outcome.done ? (outcome.entries[0]?.modifyIndex ?? 0) : 0
  }

  #do<T>(work: () => Promise<T>): Promise<T> {
    return new Retry(this.#consul).until(this.#ctx, work)
  }

  /**
   * Judges a command that begins under this fence, at this time of its machine's wall clock. A lock that was its own
   * before the pause may have been claimed anew since: then the key came into being before.
   */
  judge(run: string, fence: number, wallMs: number): void {
    const createdAt = this.#agent.operator.entry(this.#lockKey)?.createIndex ?? fence
    const after = this.#stood.filter(({ from }) => fence > from && createdAt > from)
    const inside = after.find(({ to, untilMs }) => fence < to && wallMs < untilMs)
    if (inside)
      this.violations.push(`${run} begins under the fence ${fence}, though ${inside.key} stood since ${inside.from}`)
    else if (after.length > 0) this.begunAfterwards += 1
  }
}
