import { firstOf, sleep, unlessAborted } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import type { Context } from '../base/context.ts'

/** So long a value must have been still before it is applied, in milliseconds. */
const STILL_MS = 1000
/** A value that is never still is applied after so long, in milliseconds. */
const LONGEST_UNREST_MS = 10_000

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000

/** What is wanted just now; what was wanted before doesn't count any more. One may wait for its change. */
export class Wanted {
  #text: string | undefined
  #wake = () => {}

  /** `undefined` when nothing is wanted but that all stays as it is. */
  get text(): string | undefined {
    return this.#text
  }

  set text(text: string | undefined) {
    if (text === this.#text) return
    this.#text = text
    this.#wake()
  }

  /** Settles at the next change. Rejects with the signal's reason. */
  change(ctx: Context): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    return unlessAborted(ctx.signal, promise)
  }
}

/**
 * Applies what is wanted, at the start and when it has changed and is still; never twice at once, and what changes
 * meanwhile is applied next. `apply` settles with whether it could; if not, it is tried again, with growing pauses, or
 * when another is wanted. Rejects with the signal's reason, or as `apply` does.
 */
export async function keepApplied(
  ctx: Context,
  wanted: Wanted,
  apply: (ctx: Context, text: string) => Promise<boolean>,
): Promise<never> {
  const backoff = new Backoff(ctx.random, FIRST_PAUSE_MS, LONGEST_PAUSE_MS)
  let applied: string | undefined
  for (;;) {
    while (wanted.text === undefined || wanted.text === applied) await wanted.change(ctx)
    await stillness(ctx, wanted)
    const { text } = wanted
    if (text === undefined || text === applied) continue
    // Half of it may be done when it fails.
    applied = undefined
    if (await apply(ctx, text)) {
      applied = text
      backoff.reset()
    } else if (wanted.text === text) {
      const pauseMs = backoff.next()
      await firstOf(ctx, [(ctx) => sleep(ctx, pauseMs), (ctx) => wanted.change(ctx)])
    }
  }
}

async function stillness(ctx: Context, wanted: Wanted): Promise<void> {
  const begun = ctx.clock.now()
  for (let isStill = false; !isStill; ) {
    const pauseMs = Math.min(STILL_MS, LONGEST_UNREST_MS - ctx.clock.since(begun))
    if (pauseMs <= 0) return
    isStill = await firstOf(ctx, [
      (ctx) => sleep(ctx, pauseMs).then(() => true),
      (ctx) => wanted.change(ctx).then(() => false),
    ])
  }
}
