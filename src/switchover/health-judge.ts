import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import type { Health } from '../consul/health.ts'
import type { NodeProgress } from './protocol.ts'

/** Checks run every few seconds only: what they say right after a change they said of what was before. */
const STEADY_MS = 15_000

/** Judges nodes that report nothing by their service's health, once that has been passing for a while. */
export class HealthJudge {
  readonly #steadyMs: number
  readonly #passingSince = new Map<string, Instant>()

  /** `stepMs` is how long one step may take. */
  constructor(stepMs: number) {
    this.#steadyMs = Math.min(STEADY_MS, stepMs / 2)
  }

  /** `change` names what the health is to be newer than. */
  judge(ctx: Context, change: string, health: Health | undefined): NodeProgress {
    if (health === undefined) return 'unknown'
    if (health !== 'passing') {
      this.#passingSince.delete(change)
      return 'behind'
    }
    const since = this.#passingSince.get(change) ?? ctx.clock.now()
    this.#passingSince.set(change, since)
    return ctx.clock.since(since) >= this.#steadyMs ? 'done' : 'behind'
  }
}
