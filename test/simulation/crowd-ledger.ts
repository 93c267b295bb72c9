import { Ledger, type Life } from './ledger.ts'

/** Who may live at once, beside those who do already. */
export type MayCome = (newer: string, living: readonly string[]) => boolean

/** Finds who lives though he may not; runs are known by their names. Every fence is larger than the one before. */
export class CrowdLedger extends Ledger {
  /** The most that ever lived at once. */
  most = 0
  readonly #mayCome: MayCome
  readonly #inside = new Set<Life>()

  constructor(mayCome: MayCome) {
    super()
    this.#mayCome = mayCome
  }

  override begin(run: string, fence: number, nowMs: number): Life {
    const living = [...this.#inside]
    if (
      !this.#mayCome(
        run,
        living.map((life) => life.run),
      )
    ) {
      const runs = living.map((one) => `${one.run} (since ${one.beganMs} ms)`).join(', ')
      this.violations.push(`at ${nowMs} ms ${run} begins while there are ${runs}`)
    }
    const life: Life = { run, fence, beganMs: nowMs, tampered: false }
    this.#inside.add(life)
    this.lives += 1
    this.most = Math.max(this.most, this.#inside.size)
    return life
  }

  override end(life: Life): void {
    this.#inside.delete(life)
  }

  override get living(): number {
    return this.#inside.size
  }
}
