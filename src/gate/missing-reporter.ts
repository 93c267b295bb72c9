import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import type { Missing } from './await-gates.ts'

/** What passes at once isn't worth a line. */
const SOON_MS = 500
const TICK_MS = 1000
const REPEAT_MS = 60_000

/** Gates that are shut, for people: `service:db (none is registered), file:/run/ready (it is not there)`. */
export function describeMissing(missing: readonly Missing[]): string {
  return missing.map(({ gate, why }) => `${gate.text} (${why})`).join(', ')
}

/** Tells people which gates are waited for: soon, when others are missing than before, and once a minute. */
export class MissingReporter implements Disposable {
  readonly #ctx: Context
  readonly #beginning: string
  #missing: readonly Missing[] = []
  #reported: { readonly at: Instant; readonly about: string } | undefined
  #cancel: () => void

  /** Each line is the beginning with what is missing behind it. */
  constructor(ctx: Context, beginning: string) {
    this.#ctx = ctx
    this.#beginning = beginning
    this.#cancel = ctx.clock.after(SOON_MS, () => this.#tick())
  }

  update(missing: readonly Missing[]): void {
    this.#missing = missing
  }

  #tick(): void {
    const { clock, log } = this.#ctx
    const about = this.#missing.map(({ gate }) => gate.text).join('\n')
    const isNews = !this.#reported || this.#reported.about !== about || clock.since(this.#reported.at) >= REPEAT_MS
    if (isNews && this.#missing.length > 0) {
      log.notice(`${this.#beginning} ${describeMissing(this.#missing)}`)
      this.#reported = { at: clock.now(), about }
    }
    this.#cancel = clock.after(TICK_MS, () => this.#tick())
  }

  [Symbol.dispose](): void {
    this.#cancel()
  }
}
