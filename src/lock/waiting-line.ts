import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import type { Entry } from '../consul/kv.ts'
import { describeHolder } from './record.ts'

const REPEAT_MS = 60_000

/** Tells people what a contender waits for: at once, when the holder changes hands, and once a minute. */
export class WaitingLine {
  readonly #ctx: Context
  readonly #name: string
  #said: { readonly at: Instant; readonly holder: string | undefined } | undefined

  constructor(ctx: Context, name: string) {
    this.#ctx = ctx
    this.#name = name
  }

  /** The lock is held, and we wait. */
  heldBy(holder: Entry): void {
    this.#say(holder.session, `waiting for ${this.#name}: ${describeHolder(holder.value, this.#nowMs())}`)
  }

  /** Consul keeps the lock closed, and we wait. */
  closed(): void {
    this.#say(undefined, `waiting for ${this.#name}: its last holder was cut off, Consul keeps it closed for a while`)
  }

  /** We don't wait. */
  giveWay(holder: Entry | undefined): void {
    const why = holder
      ? describeHolder(holder.value, this.#nowMs())
      : 'its last holder was cut off, Consul keeps it closed for a while'
    this.#ctx.log.notice(`${this.#name} is busy: ${why}`)
  }

  #say(holder: string | undefined, sentence: string): void {
    const said = this.#said
    if (said && said.holder === holder && this.#ctx.clock.since(said.at) < REPEAT_MS) return
    this.#said = { at: this.#ctx.clock.now(), holder }
    this.#ctx.log.notice(sentence)
  }

  #nowMs(): number {
    return this.#ctx.clock.now().wallMs
  }
}
