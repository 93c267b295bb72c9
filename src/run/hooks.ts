import { AbortReason } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { printable } from '../base/printable.ts'
import { shellStatus } from '../child/exit-status.ts'
import { BESIDE } from '../child/group-members.ts'
import type { HeldLock } from '../lock/acquire-options.ts'
import type { Loss } from '../lock/loss.ts'
import { lockVariables, runVariables } from './child-environment.ts'
import { type HookEvent, runHook } from './hook.ts'
import type { RunObserver } from './run-observer.ts'
import type { RunResult } from './run-outcome.ts'
import type { RunSpec } from './run-spec.ts'

/** Lines for the shell, by what they are there for. */
export type HookLines = Readonly<Record<Exclude<HookEvent, 'acquire'>, readonly string[]>>

const LEAVING = new AbortReason('we leave')

/**
 * Runs the hooks that only tell of what happens. They run beside the run, each by itself, and what becomes of them
 * changes nothing but costs a warning.
 */
export class Hooks implements RunObserver {
  readonly #ctx: Context
  readonly #spec: RunSpec
  readonly #lines: HookLines
  readonly #over = new AbortController()
  readonly #running: Promise<void>[] = []
  #held: HeldLock | undefined
  #hasWaited = false

  constructor(ctx: Context, spec: RunSpec, lines: HookLines) {
    this.#ctx = under(ctx, this.#over.signal)
    this.#spec = spec
    this.#lines = lines
  }

  waiting(sentence: string): void {
    if (!this.#hasWaited) this.#run('wait', { CONSUL_LOCKER_REASON: printable(sentence) })
    this.#hasWaited = true
  }

  acquired(held: HeldLock): void {
    this.#held = held
  }

  lost({ kind, sentence }: Loss): void {
    this.#run('lost', { CONSUL_LOCKER_LOSS: kind, CONSUL_LOCKER_REASON: printable(sentence) })
  }

  finished(end: RunResult | Failure): void {
    if (this.#held) this.#run('release', outcomeVariables(end))
  }

  async settled(ctx: Context): Promise<void> {
    const leave = () => this.#over.abort(LEAVING)
    if (ctx.signal.aborted) leave()
    else ctx.signal.addEventListener('abort', leave, { once: true })
    await Promise.all(this.#running)
  }

  #run(event: keyof HookLines, about: NodeJS.ProcessEnv): void {
    const environment = {
      ...this.#spec.environment,
      ...BESIDE,
      ...runVariables(this.#spec),
      ...(this.#held && lockVariables(this.#held)),
      ...about,
    }
    for (const line of this.#lines[event]) {
      const ended = runHook(this.#ctx, { event, line, environment })
      this.#running.push(
        ended.then(({ why }) => {
          if (why !== undefined) this.#ctx.log.warn(why)
        }),
      )
    }
  }
}

function outcomeVariables(end: RunResult | Failure): NodeJS.ProcessEnv {
  if (end instanceof Failure) return { CONSUL_LOCKER_OUTCOME: end.code }
  const { outcome } = end
  const status = 'status' in outcome ? outcome.status : undefined
  return {
    CONSUL_LOCKER_OUTCOME: outcome.kind,
    ...(status && { CONSUL_LOCKER_CHILD_EXIT: String(shellStatus(status)) }),
  }
}
