import type { Instant } from '../../base/clock.ts'
import { Complaint } from '../../base/complaint.ts'
import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { isHandoverAsked, isVacancy, type SaidPosition } from '../machine/occasion.ts'

/** While a master writes, its slaves' positions are told no more often than this. */
const PAUSE_MS = 10_000

/** Tells the other nodes how much this one has: at once when somebody waits to hear it, and now and then otherwise. */
export class PositionReport {
  readonly #ctx: Context
  readonly #say: (ctx: Context, said: SaidPosition) => Promise<void>
  #last: (SaidPosition & { readonly at: Instant }) | undefined
  #isSaying = false
  #next: SaidPosition | undefined
  readonly #complaint = new Complaint()

  /** `say` rejects with a `Failure`. */
  constructor(ctx: Context, say: (ctx: Context, said: SaidPosition) => Promise<void>) {
    this.#ctx = ctx
    this.#say = say
  }

  /** Takes in what the application said. */
  take(said: SaidPosition): void {
    this.#next = said
    if (!this.#isSaying) this.#sayAll()
  }

  async #sayAll(): Promise<void> {
    this.#isSaying = true
    try {
      for (let next = this.#due(); next; next = this.#due()) {
        await this.#say(this.#ctx, next)
        this.#last = { ...next, at: this.#ctx.clock.now() }
        this.#complaint.end()
      }
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown
      this.#complaint.tell(`how much it has can't be told: ${thrown.message}`, (text) => this.#ctx.log.warn(text))
    } finally {
      this.#isSaying = false
    }
  }

  #due(): SaidPosition | undefined {
    const [next, last] = [this.#next, this.#last]
    this.#next = undefined
    if (!next || !last || next.occasion !== last.occasion) return next
    if (next.position === last.position) return undefined
    return isAwaited(next.occasion) || this.#ctx.clock.since(last.at) >= PAUSE_MS ? next : undefined
  }
}

/** Whether somebody decides by it. */
function isAwaited(occasion: string): boolean {
  return isVacancy(occasion) || isHandoverAsked(occasion)
}
