import { aborted, firstOf, unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import type { Child } from '../child/child.ts'
import type { Guardian } from '../child/guardian.ts'
import type { HeldLock } from '../lock/acquire-options.ts'
import type { Hold } from '../lock/hold.ts'
import { GUARDIAN_SLACK_MS } from '../lock/lease-timing.ts'
import { DEADLINE_PASSED, type Loss, lossIn, unguarded } from '../lock/loss.ts'
import type { CommandEnd, RunOutcome } from './run-outcome.ts'
import type { RunDependencies, RunSpec } from './run-spec.ts'

type Ran = Extract<RunOutcome, { kind: 'ran' }>
type Lost = Extract<RunOutcome, { kind: 'lost' }>
type TimedOut = Extract<RunOutcome, { kind: 'timed-out' }>

/** What a command runs under. */
export interface Guarded {
  readonly dependencies: RunDependencies
  readonly spec: RunSpec
  readonly held: HeldLock
  readonly hold: Hold
}

/** A command that runs under a lock, until its own end, until its time is over, or until the lock is lost. */
export class GuardedCommand {
  readonly #dependencies: RunDependencies
  readonly #spec: RunSpec
  readonly #held: HeldLock
  readonly #hold: Hold
  readonly #child: Child

  constructor({ dependencies, spec, held, hold }: Guarded, child: Child) {
    this.#dependencies = dependencies
    this.#spec = spec
    this.#held = held
    this.#hold = hold
    this.#child = child
  }

  /** Settles with its end. A command that doesn't end by itself is ended. */
  async end(ctx: Context): Promise<CommandEnd> {
    const { guardian } = this.#dependencies
    using limit = this.#timeLimit(ctx)
    const first = Promise.race<Ran | Lost | 'too-late'>([this.#ran(ctx), untilLost(this.#hold, guardian), limit.over])
    const outcome = await unlessAborted(ctx.signal, first)
    if (outcome === 'too-late') return this.#endInTime(ctx)
    return outcome.kind === 'ran' ? { outcome, dead: true } : this.#endLost(ctx, outcome)
  }

  async #ran(ctx: Context): Promise<Ran | Lost> {
    const status = await this.#child.exited
    if (this.#spec.waitGroup) await this.#child.emptied(ctx)
    // Who wakes from a suspension may see the command's end before the deadline that passed meanwhile.
    return this.#held.session.leaseLeftMs() > 0 ? { kind: 'ran', status } : { kind: 'lost', loss: DEADLINE_PASSED }
  }

  #timeLimit(ctx: Context): Disposable & { readonly over: Promise<'too-late'> } {
    const { promise, resolve } = Promise.withResolvers<'too-late'>()
    const { timeLimit } = this.#spec
    const cancel = timeLimit ? ctx.clock.after(timeLimit.ms, () => resolve('too-late')) : () => {}
    return { over: promise, [Symbol.dispose]: cancel }
  }

  /** The lock stays ours meanwhile, and renewed. If it is lost all the same, its grace counts. */
  async #endInTime(ctx: Context): Promise<CommandEnd> {
    const { timeLimit, lock } = this.#spec
    const stop = async (ctx: Context): Promise<boolean> => {
      const stopping = this.#child.stop(ctx, lock.timing.graceMs, timeLimit?.signal)
      ctx.log.warn(`the command has run for ${formatDuration(timeLimit?.ms ?? 0)}, as long as it may; stopping it`)
      return stopping
    }
    const lost = (ctx: Context) => unlessAborted(ctx.signal, untilLost(this.#hold, this.#dependencies.guardian))
    const end = await firstOf<boolean | Lost>(ctx, [stop, lost])
    if (typeof end === 'object') return this.#endLost(ctx, end)
    if (!end) return { outcome: { kind: 'timed-out' }, dead: this.#complainOfUndead(ctx) }
    const outcome: TimedOut = { kind: 'timed-out', status: await this.#child.exited }
    return { outcome, dead: true }
  }

  async #endLost(ctx: Context, outcome: Lost): Promise<CommandEnd> {
    const { guardian, observer } = this.#dependencies
    const { session } = this.#held
    const { loss } = outcome
    const graceMs = session.graceLeftMs(loss)
    session.onRenewed(() => {})
    guardian.arm(this.#child.group, graceMs + GUARDIAN_SLACK_MS, 0)
    const stopping = this.#child.stop(ctx, graceMs, this.#spec.lossSignal)
    observer?.lost?.(loss)
    // Stop first, speak afterwards.
    const what = loss.kind === 'unguarded' ? 'giving up' : 'lost'
    ctx.log.warn(`${what} the lock ${this.#spec.lock.name}: ${loss.sentence}; stopping the command`, {
      loss: loss.kind,
    })
    const dead = (await stopping) || this.#complainOfUndead(ctx)
    return { outcome, dead }
  }

  #complainOfUndead(ctx: Context): false {
    ctx.log.error(`the command can't be killed (group ${this.#child.group}); its session is left to expire`)
    return false
  }
}

/** Settles when the lock is lost, or must be given up for want of a guardian. */
export async function untilLost(hold: Hold, guardian: Guardian): Promise<Lost> {
  const loss = await Promise.race<Loss>([
    aborted(hold.lost).then(() => lossIn(hold.lost)),
    aborted(guardian.failed).then(() => unguarded(guardian.failed)),
  ])
  return { kind: 'lost', loss }
}
