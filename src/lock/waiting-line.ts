import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import type { Entry } from '../consul/kv.ts'
import { describeHolder } from './record.ts'

const REPEAT_MS = 60_000

/** Tells people what a contender waits for: at once, when the holder changes hands, and once a minute. */
export class WaitingLine {
  readonly #ctx: Context
  readonly #name: string
  #said: { readonly at: Instant; readonly about: string | undefined } | undefined

  constructor(ctx: Context, name: string) {
    this.#ctx = ctx
    this.#name = name
  }

  /** The lock is held, and we wait. */
  heldBy(holder: Entry): void {
    this.#say(holder.session, `waiting for ${this.#name}: ${describeHolder(holder.value, this.#nowMs())}`)
  }

  /** Consul keeps the lock closed, for so many milliseconds at most, and we wait. */
  closed(longestMs: number): void {
    this.#say(undefined, `waiting for ${this.#name}: ${closedFor(longestMs)}`)
  }

  /** Others wait longer than we do. */
  inLine(ahead: number, holder: Entry | undefined): void {
    const held = holder?.session ? `, ${describeHolder(holder.value, this.#nowMs())}` : ''
    this.#say(`${ahead}`, `waiting for ${this.#name}: ${ordinal(ahead + 1)} in line${held}`)
  }

  /** We don't wait. */
  giveWay(why: 'taken' | 'lock-delay' | 'in-line', holder: Entry | undefined, longestMs: number): void {
    const reason =
      why === 'lock-delay' ? closedFor(longestMs) : why === 'in-line' ? 'others stand in line for it' : undefined
    const held = holder ? describeHolder(holder.value, this.#nowMs()) : 'it was held a moment ago'
    this.#ctx.log.notice(`${this.#name} is busy: ${reason ?? held}`)
  }

  #say(about: string | undefined, sentence: string): void {
    const said = this.#said
    if (said && said.about === about && this.#ctx.clock.since(said.at) < REPEAT_MS) return
    this.#said = { at: this.#ctx.clock.now(), about }
    this.#ctx.log.notice(sentence)
  }

  #nowMs(): number {
    return this.#ctx.clock.now().wallMs
  }
}

function closedFor(longestMs: number): string {
  return `its last holder was cut off, Consul keeps it closed for ${formatDuration(longestMs)} at most`
}

function ordinal(n: number): string {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')
  return `${n}${ending}`
}
