import type { Entry } from './history-file.ts'

/** One run of the command, as far as it has been heard of. */
export interface Life {
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly runner: number
  readonly stubborn: boolean
  readonly fence: number | undefined
  readonly beganAt: number
  /** Its last sign. What happened between that and its real end is not known; it is a few milliseconds. */
  lastAt: number
  /** Its first and last signs without a runner. */
  orphan: { readonly from: number; to: number } | undefined
  /** Whether it came to its own end. */
  ended: boolean
}

/** The lives of a history, entry by entry. */
export class Lives {
  readonly #byId = new Map<string, Life>()

  add(entry: Entry): void {
    if (entry.event === 'begin') {
      const { life: id, host, pid, runner, stubborn = false, fence, at } = entry
      const signs = { beganAt: at, lastAt: at, orphan: undefined, ended: false }
      this.#byId.set(id, { id, host, pid, runner, stubborn, fence, ...signs })
    } else if ('life' in entry && entry.event !== 'fault') {
      const life = this.#byId.get(entry.life)
      if (!life) throw new Error(`the life ${entry.life} has no beginning`)
      life.lastAt = Math.max(life.lastAt, entry.at)
      if (entry.event === 'end') life.ended = true
      if (entry.event === 'beat' && entry.orphan) {
        life.orphan ??= { from: entry.at, to: entry.at }
        life.orphan.to = entry.at
      }
    }
  }

  /** All of them, in the order of their beginnings. */
  get all(): Life[] {
    return [...this.#byId.values()].sort((a, b) => a.beganAt - b.beganAt)
  }

  get(id: string): Life | undefined {
    return this.#byId.get(id)
  }

  /** The one that began last. */
  get newest(): Life | undefined {
    return this.all.at(-1)
  }
}
