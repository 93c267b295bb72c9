import { sleep } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { Retry } from '../consul/retry.ts'
import { fenceNode, leavingOut } from './fencing.ts'
import { FollowedPlan } from './followed-plan.ts'
import { NodeWait } from './node-wait.ts'
import type { ObservedPlan } from './observed-plan.ts'
import { isRollback, primaryAfter, type SwitchPlan, withoutWaiting } from './plan.ts'
import { pendingDatacenters, runsNowhere, type SwitchStep, unconfirmedNodes } from './protocol.ts'
import type { NodeAt } from './roles.ts'
import { withinStep } from './step-timeout.ts'
import { Superseded } from './superseded.ts'
import type { SwitchResult, SwitchTimeouts, SwitchWorld } from './switch-world.ts'
import { deletePlan, type WrittenStep, writeStep } from './write-step.ts'

/** What a switch is begun with. */
export interface SwitchStart {
  readonly plan: SwitchPlan
  /** The turn of the lock in which the plan was found in Consul; absent for a new one. */
  readonly foundIn?: number | undefined
  /** The nodes whose service was critical when the plan was made. */
  readonly failing?: readonly NodeAt[]
}

const POLL_FIRST_MS = 100
const POLL_MAX_MS = 1000

/** Carries out a plan, from wherever it stands. */
export class Switch {
  readonly #world: SwitchWorld
  readonly #timeouts: SwitchTimeouts
  readonly #retry: Retry
  readonly #nodeWait: NodeWait
  readonly #followed: FollowedPlan

  constructor(world: SwitchWorld, timeouts: SwitchTimeouts, { plan, foundIn, failing = [] }: SwitchStart) {
    this.#world = world
    this.#timeouts = timeouts
    this.#retry = new Retry(world.consul)
    this.#nodeWait = new NodeWait(world, timeouts, this.#retry, failing)
    this.#followed = new FollowedPlan(world, this.#retry, timeouts.stepMs, plan, foundIn)
  }

  /**
   * Settles when the switch is done or undone. Rejects with a `Failure` when it can be neither now, or with the
   * signal's reason; then the plan stands in Consul, and another run resumes it. Rejects with a `conflict` failure
   * when others were at it while the lock had left us, and have ended it or put another plan in its place.
   */
  async run(ctx: Context): Promise<SwitchResult> {
    for (;;) {
      let step: SwitchStep | undefined
      try {
        const observed = await this.#within(ctx, undefined, (ctx) => this.#followed.observe(ctx))
        const next = this.#followed.next(observed)
        step = next
        this.#followed.reach(next)
        if (next.kind !== 'forget') await this.#within(ctx, next, (ctx) => this.#take(ctx, next, observed))
        else if (await this.#within(ctx, next, (ctx) => this.#forget(ctx, observed))) return this.#end(observed)
      } catch (thrown) {
        this.#followed.fail()
        if (ctx.signal.aborted) throw this.#cutOff(ctx)
        if (!(thrown instanceof Failure) || thrown instanceof Superseded) throw thrown
        await this.#turnBack(ctx, thrown, step)
      }
    }
  }

  /** Turns the plan back, and carries that out. Settles and rejects as `run` does. */
  async undo(ctx: Context, why: string): Promise<SwitchResult> {
    if (!isRollback(this.#plan)) {
      const turned = await this.#followed.rollback(ctx, new Failure('conflict', why))
      if (!turned) throw this.#unfinished(new Failure('failed', 'the switch cannot be undone'))
      this.#followed.follow(turned)
    }
    return this.run(ctx)
  }

  /** Works on a step until another one is the next. */
  async #take(ctx: Context, step: SwitchStep, first: ObservedPlan): Promise<void> {
    const backoff = new Backoff(ctx.random, POLL_FIRST_MS, POLL_MAX_MS)
    for (let observed = first; this.#isNext(step, observed); observed = await this.#followed.observe(ctx)) {
      this.#heedInterruption(observed)
      if (step.kind === 'await' || step.kind === 'confirm') {
        if (await this.#nodeWait.givesUp(ctx, this.#plan, step, observed)) {
          return this.#followed.follow(leavingOut(this.#plan, step.at, this.#world))
        }
        await sleep(ctx, backoff.next())
      } else if (step.kind === 'fence') {
        await this.#world.lock.proof(ctx)
        // While the lock had left us, others may have ended the switch, and made the node primary again.
        if (!this.#isNext(step, await this.#followed.observe(ctx))) return
        return this.#followed.follow(await fenceNode(ctx, this.#plan, step.at, this.#world))
      } else if (step.kind !== 'forget' && !(await this.#perform(ctx, step, observed))) {
        await sleep(ctx, backoff.next())
      }
    }
  }

  #isNext(step: SwitchStep, observed: ObservedPlan): boolean {
    return JSON.stringify(this.#followed.next(observed)) === JSON.stringify(step)
  }

  async #perform(ctx: Context, step: WrittenStep, observed: ObservedPlan) {
    const { cluster, self, lock } = this.#world
    const lockProof = await lock.proof(ctx)
    if (this.#followed.isOutdated) return false
    const performing = { cluster, plan: this.#plan, observed, home: self.datacenter, lockProof }
    const write = () => writeStep(ctx, performing, step)
    return this.#retry.until(ctx, () => (step.kind === 'record' ? this.#followed.record(ctx, write) : write()))
  }

  /** Once the roles are swapped the quickest way out is forward. */
  #heedInterruption(observed: ObservedPlan): void {
    const swapped = this.#plan.swaps.some(({ datacenter }) => observed.roles(datacenter) === 'after')
    if (!this.#world.interruption.aborted || swapped || this.#plan.course === 'back') return
    throw new Failure('failed', 'the switch was interrupted')
  }

  get #plan(): SwitchPlan {
    return this.#followed.current
  }

  #within<T>(ctx: Context, step: SwitchStep | undefined, work: (ctx: Context) => Promise<T>): Promise<T> {
    return withinStep(ctx, step, this.#timeouts.stepMs, this.#retry, work)
  }

  /**
   * Undoes what can be undone; rejects when nothing can, or when undoing fails as well. A node that only doesn't start
   * again leaves nothing to undo: the roles are right, and a plan that stood on would be in the way of the next switch.
   * Nor is there any reason to when all is done but for taking the plan away.
   */
  async #turnBack(ctx: Context, failure: Failure, step: SwitchStep | undefined): Promise<void> {
    const turned = step?.kind === 'forget' ? undefined : await this.#followed.rollback(ctx, failure)
    if (turned) {
      ctx.log.warn(`${failure.message}; undoing the switch${failure.hint === undefined ? '' : ` (${failure.hint})`}`)
      return this.#followed.follow(turned)
    }
    if (step?.kind === 'confirm' && isRollback(this.#plan)) {
      ctx.log.warn(`${failure.message}; ${step.at.node} is primary again, but its services are not known to run`)
      return this.#followed.follow(withoutWaiting(this.#plan, step.at))
    }
    throw this.#unfinished(failure)
  }

  /** The failure of a switch that is neither done nor undone. */
  #unfinished(failure: Failure): Failure {
    const { nowhere } = this.#followed
    const goOn = 'start-primary again goes on with it, start-primary --abort undoes it'
    const standing = nowhere === undefined ? '' : `${nowhere}, and `
    return new Failure('failed', `${failure.message}; ${standing}the switch stands where it is`, {
      hint: [failure.hint, goOn, 'status shows who is primary'].filter((hint) => hint !== undefined).join('; '),
    })
  }

  /** Why we were stopped: somebody else is at it, or we are to end at once. */
  #cutOff(ctx: Context): unknown {
    const { reason } = ctx.signal
    if (reason instanceof Failure) return this.#unfinished(reason)
    const { nowhere } = this.#followed
    if (nowhere !== undefined) ctx.log.error(`${nowhere} (start-primary again goes on with the switch)`)
    return reason
  }

  /** Settles with whether the plan is gone; it stays for datacenters that still owe their part. */
  async #forget(ctx: Context, observed: ObservedPlan): Promise<boolean> {
    if (pendingDatacenters(this.#plan, observed).length > 0) return true
    const { cluster, self, lock } = this.#world
    const lockProof = await lock.proof(ctx)
    if (this.#followed.isOutdated) return false
    const performing = { cluster, plan: this.#plan, observed, home: self.datacenter, lockProof }
    return this.#retry.until(ctx, () => deletePlan(ctx, performing))
  }

  #end(observed: ObservedPlan): SwitchResult {
    const plan = this.#plan
    if (isRollback(plan)) {
      return { kind: 'undone', why: plan.why ?? '', primary: primaryAfter(plan), nowhere: runsNowhere(plan, observed) }
    }
    return {
      kind: 'switched',
      skipped: plan.skipped,
      owed: pendingDatacenters(plan, observed),
      untold: unconfirmedNodes(plan, observed),
    }
  }
}
