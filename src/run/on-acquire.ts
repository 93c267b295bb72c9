import { aborted, scope, sleep } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { GuardedGroup } from '../child/guardian.ts'
import { unlessInterrupted } from '../child/interruptible-wait.ts'
import type { HeldLock } from '../lock/acquire-options.ts'
import type { Hold } from '../lock/hold.ts'
import { GUARDIAN_SLACK_MS, RENEW_RETRY_MS } from '../lock/lease-timing.ts'
import { isLoss, type Loss, lossIn } from '../lock/loss.ts'
import { childEnvironment } from './child-environment.ts'
import { untilLost } from './guarded-command.ts'
import { HOOK_GRACE_MS, type HookEnd, type RunHook, runHook } from './hook.ts'
import type { CommandEnd } from './run-outcome.ts'
import type { RunDependencies, RunSpec } from './run-spec.ts'

/**
 * What runs a hook between the lock and the command. It is part of what the lock protects: the guardian ends it when we
 * can't, and a loss of the lock ends it. The command doesn't start unless the hook succeeds; nor when a signal to us
 * ends the hook.
 */
export class OnAcquire {
  readonly #dependencies: Omit<RunDependencies, 'prepare'>
  readonly #spec: RunSpec
  readonly #line: string

  constructor(dependencies: Omit<RunDependencies, 'prepare'>, spec: RunSpec, line: string) {
    this.#dependencies = dependencies
    this.#spec = spec
    this.#line = line
  }

  /** Settles with how the run ends without its command; with nothing when that may start. */
  async prepare(ctx: Context, held: HeldLock, hold: Hold): Promise<CommandEnd | undefined> {
    const { guardian, signals } = this.#dependencies
    const hook = this.#hook(held)
    // After a second signal it may live on until we exit.
    let end: HookEnd = { why: undefined, isGone: false }
    let isOver = false
    try {
      const interrupted = await unlessInterrupted(ctx, signals, async (ctx) => {
        // A loss ends the hook, and not our wait for it.
        using work = scope(ctx.signal)
        untilLost(hold, guardian).then(({ loss }) => {
          if (isOver) return
          hook.lost(loss)
          work.abort(loss)
        })
        end = await runHook(under(ctx, work.signal), hook)
        work.signal.throwIfAborted()
        const following = under(ctx, work.signal)
        if (end.why === undefined) await this.#renew(following, held)
        else await this.#look(following, hold, end.why)
      })
      if (interrupted) return { outcome: { kind: 'interrupted', signal: interrupted.signal }, dead: end.isGone }
    } catch (thrown) {
      if (isLoss(thrown)) return this.#lost(ctx, thrown, end)
      throw thrown
    } finally {
      isOver = true
    }
    if (hold.lost.aborted) return this.#lost(ctx, lossIn(hold.lost), end)
    return end.why === undefined ? undefined : { outcome: { kind: 'unprepared', why: end.why }, dead: end.isGone }
  }

  #hook(held: HeldLock): RunHook & { lost(loss: Loss): void } {
    const { guardian, observer } = this.#dependencies
    const { session } = held
    const graceMs = (reason: unknown) =>
      isLoss(reason) ? Math.min(HOOK_GRACE_MS, session.graceLeftMs(reason)) : HOOK_GRACE_MS
    let guarded: GuardedGroup | 'none' = 'none'
    let isLost = false
    const arm = () => guardian.arm(guarded, session.leaseLeftMs() + GUARDIAN_SLACK_MS)
    return {
      event: 'acquire',
      line: this.#line,
      environment: childEnvironment(this.#spec, held),
      graceMs,
      onGroup: (group) => {
        guarded = group ?? 'none'
        if (isLost) return
        arm()
        session.onRenewed(() => {
          arm()
          observer?.renewed?.()
        })
      },
      lost(loss) {
        isLost = true
        session.onRenewed(() => {})
        guardian.arm(guarded, graceMs(loss) + GUARDIAN_SLACK_MS, 0)
      },
    }
  }

  /** Renews until there is time to start. An answer that doesn't come is no verdict: the lease is. */
  async #renew(ctx: Context, { session }: HeldLock): Promise<void> {
    while (!session.hasTimeToStart()) {
      try {
        await session.renew(ctx, this.#dependencies.consul)
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown
      }
      if (!session.hasTimeToStart()) await sleep(ctx, RENEW_RETRY_MS)
    }
  }

  /** A hook may fail with the lock, or have ended it: then it isn't ours to give back, but lost. */
  async #look(ctx: Context, hold: Hold, why: string): Promise<void> {
    if (!(await hold.isSeenLost(ctx))) return
    ctx.log.warn(why)
    // The hold has yet to tell of it.
    await aborted(ctx.signal)
    ctx.signal.throwIfAborted()
  }

  #lost(ctx: Context, loss: Loss, { isGone }: HookEnd): CommandEnd {
    this.#dependencies.observer?.lost?.(loss)
    ctx.log.warn(`lost the lock ${this.#spec.lock.name} before the command started: ${loss.sentence}`, {
      loss: loss.kind,
    })
    return { outcome: { kind: 'lost', loss }, dead: isGone }
  }
}
