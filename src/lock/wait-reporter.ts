import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import type { Blocker } from './compound-lock.ts'
import { describeHolder } from './holder-record.ts'

const REPEAT_MS = 60_000

/** Tells people what an acquisition waits for: at once, when the holder changes hands, and once a minute. */
export class WaitReporter {
  readonly #ctx: Context
  readonly #name: string
  readonly #onWaiting: (sentence: string) => void
  #said: { readonly at: Instant; readonly about: string | undefined } | undefined

  /** `onWaiting` hears the same, for more than people. */
  constructor(ctx: Context, name: string, onWaiting: (sentence: string) => void = () => {}) {
    this.#ctx = ctx
    this.#name = name
    this.#onWaiting = onWaiting
  }

  /** The lock is held, and we wait. */
  heldBy(holder: Blocker): void {
    this.#say(holder.session, `waiting for ${holder.name ?? this.#name}: ${this.#describe(holder)}`)
  }

  /** Consul keeps the lock closed, for so many milliseconds at most, and we wait. */
  lockDelayed(longestMs: number): void {
    this.#say(undefined, `waiting for ${this.#name}: ${lockDelayText(longestMs)}`)
  }

  /** Others wait longer than we do. */
  queued(ahead: number, holder: Blocker | undefined): void {
    const held = holder?.session ? `, ${this.#describe(holder)}` : ''
    this.#say(`${ahead}`, `waiting for ${this.#name}: ${ordinal(ahead + 1)} in line${held}`)
  }

  /** Something else is waited for. */
  tell(sentence: string): void {
    this.#say(sentence, sentence)
  }

  /** We don't wait. */
  gaveUp(why: 'taken' | 'lock-delay' | 'queued', holder: Blocker | undefined, longestMs: number): void {
    const reason =
      why === 'lock-delay' ? lockDelayText(longestMs) : why === 'queued' ? 'others stand in line for it' : undefined
    const held = holder ? this.#describe(holder) : 'it was held a moment ago'
    this.#ctx.log.notice(`${holder?.name ?? this.#name} is busy: ${reason ?? held}`)
  }

  #say(about: string | undefined, sentence: string): void {
    const said = this.#said
    if (said && said.about === about && this.#ctx.clock.since(said.at) < REPEAT_MS) return
    this.#said = { at: this.#ctx.clock.now(), about }
    this.#ctx.log.notice(sentence)
    this.#onWaiting(sentence)
  }

  #describe({ value, others = 0 }: Blocker): string {
    const held = describeHolder(value, this.#nowMs())
    return others > 0 ? `${held}, and by ${others} more` : held
  }

  #nowMs(): number {
    return this.#ctx.clock.now().wallMs
  }
}

function lockDelayText(longestMs: number): string {
  return `its last holder was cut off, Consul keeps it closed for ${formatDuration(longestMs)} at most`
}

function ordinal(n: number): string {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')
  return `${n}${ending}`
}
