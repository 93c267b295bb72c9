import { aborted, unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import type { Child } from '../child/child.ts'
import type { ExitStatus } from '../child/exit-status.ts'
import { Relay } from '../child/relay.ts'
import type { Held } from '../lock/contest.ts'
import { GUARDIAN_SLACK_MS } from '../lock/deadline.ts'
import { Hold } from '../lock/hold.ts'
import { DEADLINE, type Loss, unguarded } from '../lock/loss.ts'
import { release } from '../lock/release.ts'
import { childEnvironment, markerOf } from './environment.ts'
import type { Job, Outcome, Result, World } from './job.ts'
import { linger } from './linger.ts'

const PUBLISH_AFTER_MS = 50

type End = Extract<Outcome, { kind: 'ran' | 'lost' }>

/** The time that a lock is ours: the command runs, three witnesses look out for the loss of the lock. */
export class Tenure {
  readonly #world: World
  readonly #job: Job
  readonly #held: Held

  constructor(world: World, job: Job, held: Held) {
    this.#world = world
    this.#job = job
    this.#held = held
  }

  /** Runs the command to its end, or until the lock is lost, and gives the lock back. */
  async run(ctx: Context): Promise<Omit<Result, 'waitedMs'>> {
    const { guardian, consul } = this.#world
    const { session, stake } = this.#held
    const beganAt = ctx.clock.now()
    // First of all: somebody may have waited for this long.
    const launched = this.#launch()
    const hold = new Hold(ctx, consul, this.#held)
    let mayRelease = true
    try {
      const { outcome, dead } = await this.#command(ctx, hold, launched)
      mayRelease = dead
      const ranMs = Math.round(ctx.clock.since(beganAt))
      return { outcome: await this.#linger(ctx, hold, outcome), fence: hold.fence, ranMs }
    } finally {
      session.onRenewed(() => {})
      hold.expectEnd()
      if (mayRelease) guardian.disarm()
      // The watch is torn down afterwards, for that takes its time, and somebody waits for the lock.
      const isBack = mayRelease && (await release(ctx, consul, session, stake))
      await hold.end()
      if (isBack) guardian.dismiss()
      else if (mayRelease) guardian.linger()
      session.end()
    }
  }

  async #launch(): Promise<Child> {
    this.#world.guardian.failed.throwIfAborted()
    const environment = childEnvironment(this.#job, this.#held)
    return this.#world.launch({ environment, marker: markerOf(this.#job.mark) })
  }

  async #command(ctx: Context, hold: Hold, launched: Promise<Child>): Promise<{ outcome: End; dead: boolean }> {
    const { guardian, signals } = this.#world
    const { session } = this.#held
    using relay = new Relay(signals)
    const child = await launched
    ctx.log.mark('command started')
    const arm = () => guardian.arm(child.group, session.leaseLeftMs() + GUARDIAN_SLACK_MS)
    arm()
    session.onRenewed(arm)
    relay.to(child)
    using _answering = this.#publish(ctx, hold)
    const outcome = await this.#end(ctx, hold, child)
    ctx.log.mark('command ended')
    return { outcome, dead: outcome.kind === 'ran' || (await this.#stop(ctx, child, outcome.loss)) }
  }

  /** After a success the lock may have to stay ours until others can see what the command did. */
  async #linger(ctx: Context, hold: Hold, end: End): Promise<Outcome> {
    const { gatesAfter, guardian, signals } = this.#world
    if (!gatesAfter || end.kind !== 'ran' || !isSuccess(end.status)) return end
    const { session } = this.#held
    session.onRenewed(() => {})
    guardian.disarm()
    return linger(ctx, { gatesAfter, signals, hold, session, status: end.status })
  }

  /** Most commands never ask, and short ones can't wait: the socket comes when the command runs for a while. */
  #publish(ctx: Context, hold: Hold): Disposable {
    const { session } = this.#held
    const lease = () => ({ held: !hold.lost.aborted, leftMs: session.leaseLeftMs(), fence: hold.fence })
    let published: Promise<Disposable> | undefined
    const cancel = ctx.clock.after(PUBLISH_AFTER_MS, () => {
      published = this.#world.publish(lease)
    })
    return {
      [Symbol.dispose]() {
        cancel()
        published?.then((answering) => answering[Symbol.dispose]())
      },
    }
  }

  /** Settles with what comes first: the command's own end, or a witness that the lock is lost. */
  #end(ctx: Context, hold: Hold, child: Child): Promise<End> {
    const { guardian } = this.#world
    const first = Promise.race<End>([
      this.#ran(ctx, child),
      aborted(hold.lost).then((loss) => lost(loss as Loss)),
      aborted(guardian.failed).then(() => lost(unguarded(guardian.failed))),
    ])
    return unlessAborted(ctx.signal, first)
  }

  async #ran(ctx: Context, child: Child): Promise<End> {
    const status = await child.exited
    if (this.#job.waitGroup) await child.emptied(ctx)
    // Who wakes from a suspension may see the command's end before the deadline that passed meanwhile.
    return this.#held.session.leaseLeftMs() > 0 ? { kind: 'ran', status } : lost(DEADLINE)
  }

  /** Settles with whether the command is dead: one that lives on must never be followed by a release. */
  async #stop(ctx: Context, child: Child, loss: Loss): Promise<boolean> {
    const { session } = this.#held
    const graceMs = session.graceLeftMs(loss)
    session.onRenewed(() => {})
    this.#world.guardian.arm(child.group, graceMs + GUARDIAN_SLACK_MS)
    const stopping = child.stop(ctx, graceMs)
    // Stop first, speak afterwards.
    const what = loss.kind === 'unguarded' ? 'giving up' : 'lost'
    ctx.log.warn(`${what} the lock ${this.#job.name}: ${loss.sentence}; stopping the command`, { loss: loss.kind })
    const dead = await stopping
    if (!dead) ctx.log.error(`the command can't be killed (group ${child.group}); its session is left to expire`)
    return dead
  }
}

function lost(loss: Loss): End {
  return { kind: 'lost', loss }
}

function isSuccess(status: ExitStatus): boolean {
  return 'code' in status && status.code === 0
}
