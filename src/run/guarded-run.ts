import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { oneLine } from '../base/printable.ts'
import type { Child } from '../child/child.ts'
import type { ExitStatus } from '../child/exit-status.ts'
import { NOT_STARTED } from '../child/guardian-arguments.ts'
import { SignalRelay } from '../child/signal-relay.ts'
import type { HeldLock } from '../lock/acquire-options.ts'
import { Hold } from '../lock/hold.ts'
import { GUARDIAN_SLACK_MS } from '../lock/lease-timing.ts'
import { release } from '../lock/release.ts'
import { childEnvironment, markerOf } from './child-environment.ts'
import { GuardedCommand } from './guarded-command.ts'
import { wordOf } from './history/run-end.ts'
import { holdUntilReleasable } from './release-when.ts'
import type { CommandEnd, RunOutcome, RunResult } from './run-outcome.ts'
import type { RunDependencies, RunSpec } from './run-spec.ts'

const PUBLISH_AFTER_MS = 50

/** What no value is without that asks for the lock. */
const REQUEST = '"releaseAskedBy"'

/** The time that a lock is ours: the command runs, three witnesses look out for the loss of the lock. */
export class GuardedRun {
  readonly #dependencies: RunDependencies
  readonly #spec: RunSpec
  readonly #held: HeldLock
  readonly #waitedMs: number
  /** Whether something may run that the lock protects: then it is not given back, whatever happens. */
  #mayRun = false
  /** How the command ended, for the guardian. */
  #ended = NOT_STARTED
  /** Whether a request for the lock is of no use any more: one has been heard, or the lock is given back. */
  #isDeaf = false

  constructor(dependencies: RunDependencies, spec: RunSpec, held: HeldLock, waitedMs: number) {
    this.#dependencies = dependencies
    this.#spec = spec
    this.#held = held
    this.#waitedMs = waitedMs
  }

  /** Runs the command to its end, or until the lock is lost, and gives the lock back. */
  async run(ctx: Context): Promise<RunResult> {
    const { guardian, consul, observer, prepare } = this.#dependencies
    const { session } = this.#held
    const wonAt = ctx.clock.now()
    // First of all: somebody may have waited for this long.
    const launched = prepare ? undefined : this.#launch(this.#held.fence)
    observer?.acquired?.(this.#held)
    this.#held.handOff?.()?.begin(ctx)
    const hold = new Hold(ctx, consul, this.#held, ({ value }) => void this.#heed(ctx, value))
    try {
      const unprepared = await prepare?.(ctx, this.#held, hold)
      const beganAt = ctx.clock.now()
      const { outcome, dead } = unprepared ?? (await this.#command(ctx, hold, launched ?? this.#launch(hold.fence)))
      this.#mayRun = !dead
      const waitedMs = this.#waitedMs
      if (unprepared) return { outcome, fence: hold.fence, waitedMs }
      this.#ended = wordOf(outcome)
      const ranMs = Math.round(ctx.clock.since(beganAt))
      const after = await this.#releaseWhen(ctx, hold, outcome)
      await this.#holdAtLeast(ctx, hold, after, wonAt)
      const result = { outcome: after, fence: hold.fence, waitedMs, ranMs }
      this.#ended = wordOf(after)
      this.#spec.history?.ended(result)
      return result
    } finally {
      const mayRelease = !this.#mayRun
      this.#isDeaf = true
      hold.expectEnd()
      if (mayRelease) guardian.disarm(this.#ended)
      if (mayRelease) observer?.ended?.()
      // The watch is torn down afterwards, for that takes its time, and somebody waits for the lock.
      const isBack = mayRelease && (await release(ctx, consul, this.#held))
      observer?.released?.(isBack)
      await hold.end()
      if (isBack) guardian.dismiss()
      else if (mayRelease) guardian.handOver()
      session.end()
    }
  }

  /** Who asks for the lock in its value may write there, and so may end us: that is as if TERM had come to us, once. */
  async #heed(ctx: Context, value: string): Promise<void> {
    if (!value.includes(REQUEST)) return
    const { requesterIn } = await import('./release-request.ts')
    const by = requesterIn(value, this.#spec.runId)
    if (by === undefined || this.#isDeaf) return
    this.#isDeaf = true
    this.#dependencies.signals.raise('SIGTERM')
    ctx.log.warn(`${oneLine(by, 60)} asks for the lock ${this.#spec.lock.name}: going on as if TERM had come`)
  }

  async #launch(fence: number): Promise<Child> {
    this.#dependencies.guardian.failed.throwIfAborted()
    const environment = childEnvironment(this.#spec, { ...this.#held, fence })
    return this.#dependencies.launch({ environment, marker: markerOf(this.#spec.mark) })
  }

  async #command(ctx: Context, hold: Hold, launched: Promise<Child>): Promise<CommandEnd> {
    const { guardian, signals, observer } = this.#dependencies
    const { session } = this.#held
    using relay = new SignalRelay(signals)
    const child = await launched
    this.#mayRun = true
    ctx.log.mark('command started')
    observer?.started?.()
    const arm = () => guardian.arm(child.group, session.leaseLeftMs() + GUARDIAN_SLACK_MS)
    arm()
    this.#onRenewed(arm)
    relay.to(child)
    using _answering = this.#serveLease(ctx, hold)
    const guarded = { dependencies: this.#dependencies, spec: this.#spec, held: this.#held, hold }
    const end = await new GuardedCommand(guarded, child).end(ctx)
    ctx.log.mark('command ended')
    return end
  }

  /** After a success the lock may have to stay ours until others can see what the command did. */
  async #releaseWhen(ctx: Context, hold: Hold, end: RunOutcome): Promise<RunOutcome> {
    const { releaseGates, guardian, signals } = this.#dependencies
    if (!releaseGates || end.kind !== 'ran' || !isSuccess(end.status)) return end
    const { session } = this.#held
    this.#onRenewed(() => {})
    guardian.disarm(this.#ended)
    return holdUntilReleasable(ctx, { releaseGates, signals, hold, session, status: end.status })
  }

  /** Whatever became of the command, the lock may have to stay ours for a while. */
  async #holdAtLeast(ctx: Context, hold: Hold, outcome: RunOutcome, wonAt: Instant): Promise<void> {
    const { holdAtLeastMs, lock } = this.#spec
    const { guardian, signals, holdFor } = this.#dependencies
    if (holdAtLeastMs === undefined || !holdFor || outcome.kind === 'lost') return
    this.#onRenewed(() => {})
    guardian.disarm(wordOf(outcome))
    await holdFor(ctx, { name: lock.name, signals, hold, ms: holdAtLeastMs - ctx.clock.since(wonAt) })
  }

  #onRenewed(listener: () => void): void {
    const { observer } = this.#dependencies
    this.#held.session.onRenewed(() => {
      listener()
      observer?.renewed?.()
    })
  }

  /** Most commands never ask, and short ones can't wait: the socket comes when the command runs for a while. */
  #serveLease(ctx: Context, hold: Hold): Disposable {
    const { session } = this.#held
    const lease = () => ({ held: !hold.lost.aborted, leftMs: session.leaseLeftMs(), fence: hold.fence })
    let published: Promise<Disposable> | undefined
    const cancel = ctx.clock.after(PUBLISH_AFTER_MS, () => {
      published = this.#dependencies.serveLease(lease)
    })
    return {
      [Symbol.dispose]() {
        cancel()
        published?.then((answering) => answering[Symbol.dispose]())
      },
    }
  }
}

function isSuccess(status: ExitStatus): boolean {
  return 'code' in status && status.code === 0
}
