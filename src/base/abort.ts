import type { Context } from './context.ts'
import { formatDuration } from './duration.ts'
import type { Failure } from './failure.ts'

/**
 * Why work ends that nothing is wrong with: its time is over, a signal came, the lock is lost, another was first. Every
 * signal of ours aborts with one of these, or with the failure that makes going on useless.
 */
export class AbortReason {
  /** One sentence, without a full stop. */
  readonly sentence: string

  constructor(sentence: string) {
    this.sentence = sentence
  }

  toString(): string {
    return this.sentence
  }
}

/** A signal that follows `parent` and can be aborted on its own. Dispose it when its work is done. */
export interface Scope extends Disposable {
  readonly signal: AbortSignal
  abort(reason: AbortReason | Failure): void
  /** Aborts for what somebody else has thrown, or was aborted for. */
  passOn(reason: unknown): void
}

/**
 * Opens a scope below `parent`. `AbortSignal.any` in a loop keeps every derived signal alive as long as the parent
 * lives; a scope lets go of its parent when it is disposed.
 */
export function scope(parent: AbortSignal): Scope {
  const controller = new AbortController()
  const follow = () => controller.abort(parent.reason)
  if (parent.aborted) follow()
  else parent.addEventListener('abort', follow, { once: true })
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    passOn: (reason) => controller.abort(reason),
    [Symbol.dispose]: () => parent.removeEventListener('abort', follow),
  }
}

/** Settles as `work` does, or rejects with the signal's reason as soon as that aborts. `work` itself goes on. */
export function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason when that aborts first. */
export function sleep(ctx: Context, ms: number): Promise<void> {
  const { clock, signal } = ctx
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const abort = () => {
      cancel()
      reject(signal.reason)
    }
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
    signal.addEventListener('abort', abort, { once: true })
  })
}

/** Resolves with the signal's reason once it aborts. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason)
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true })
  })
}

const FIRST = new AbortReason('another one was first')

/**
 * Runs all tasks at once, below one scope; when the first settles the others are aborted and waited for, so that none
 * outlives this call. Settles as that first one did.
 */
export async function firstOf<T>(ctx: Context, tasks: ((ctx: Context) => Promise<T>)[]): Promise<T> {
  using race = scope(ctx.signal)
  const running = tasks.map((task) => task({ ...ctx, signal: race.signal }))
  try {
    return await Promise.race(running)
  } finally {
    race.abort(FIRST)
    await Promise.allSettled(running)
  }
}

/**
 * Runs `work` for `ms` milliseconds at most. Settles as it does, or rejects with what `late` makes when the time is
 * over, or with the signal's reason as soon as that aborts; `work` is told by its own signal, and not waited for.
 */
export async function withTimeout<T>(
  ctx: Context,
  ms: number,
  late: () => AbortReason | Failure,
  work: (ctx: Context) => Promise<T>,
): Promise<T> {
  using bounded = scope(ctx.signal)
  const cancel = ctx.clock.after(ms, () => bounded.abort(late()))
  try {
    return await unlessAborted(bounded.signal, work({ ...ctx, signal: bounded.signal }))
  } finally {
    cancel()
  }
}

/**
 * Runs `work`, and once more every `ms` milliseconds for as long as none has settled. Settles as the first of them
 * does; the others are aborted and waited for. For requests that may be made twice, and may be lost.
 */
export async function hedged<T>(ctx: Context, ms: number, work: (ctx: Context) => Promise<T>): Promise<T> {
  using race = scope(ctx.signal)
  const bounded = { ...ctx, signal: race.signal }
  const running: Promise<{ value: T }>[] = []
  try {
    for (;;) {
      running.push(work(bounded).then((value) => ({ value })))
      const first = await Promise.race([...running, sleep(bounded, ms)])
      if (first) return first.value
    }
  } finally {
    race.abort(FIRST)
    await Promise.allSettled(running)
  }
}

/** Runs `work` under a signal of its own that aborts after `ms`: cleaning up never depends on what was aborted. */
export async function withDeadline<T>(ctx: Context, ms: number, work: (ctx: Context) => Promise<T>): Promise<T> {
  const deadline = new AbortController()
  const cancel = ctx.clock.after(ms, () => deadline.abort(new AbortReason(`no end within ${formatDuration(ms)}`)))
  try {
    return await work({ ...ctx, signal: deadline.signal })
  } finally {
    cancel()
  }
}

/**
 * Runs `work` to its end even though the context's signal aborts meanwhile, but for `ms` after that at most. For
 * requests with an effect: one that is cut off may still have it later, behind our back.
 */
export async function withAbortGrace<T>(ctx: Context, ms: number, work: (ctx: Context) => Promise<T>): Promise<T> {
  const late = new AbortController()
  let cancel = () => {}
  const follow = () => {
    cancel = ctx.clock.after(ms, () => late.abort(ctx.signal.reason))
  }
  ctx.signal.throwIfAborted()
  ctx.signal.addEventListener('abort', follow, { once: true })
  try {
    return await work({ ...ctx, signal: late.signal })
  } finally {
    ctx.signal.removeEventListener('abort', follow)
    cancel()
  }
}
