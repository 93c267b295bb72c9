import { withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { isTransient } from '../consul/reply-failure.ts'
import type { Retry } from '../consul/retry.ts'
import { HealthJudge } from './health-judge.ts'
import { type ObservedPlan, observePlan } from './observed-plan.ts'
import type { SwitchPlan } from './plan.ts'
import { isSuperseded } from './plan-store.ts'
import { nextStep, roleConflict, rollbackOf, runsNowhere, type SwitchStep, stepsOf } from './protocol.ts'
import { StepPrinter, skippedLines } from './step-printer.ts'
import { Superseded } from './superseded.ts'
import { withReturned } from './swaps.ts'
import type { SwitchWorld } from './switch-world.ts'

/** How long we look for what to make of a failure. */
const RECONSIDER_MS = 30_000

/** The plan that a switch follows: as it stands, as it was seen last, and as it is printed. */
export class FollowedPlan {
  readonly #world: SwitchWorld
  readonly #retry: Retry
  readonly #healthJudge: HealthJudge
  /** Which of the plan's roles stood in each datacenter when any of them did. */
  readonly #lastKnownRoles = new Map<string, 'before' | 'after'>()
  #observed: ObservedPlan | undefined
  #plan: SwitchPlan
  #printer: StepPrinter
  /** The turn of the lock in which it stood in Consul last, or may have. */
  #stoodIn: number | undefined
  /** The turn of the lock in which it was looked at last; none until that look has come to its end. */
  #seenIn: number | undefined

  /**
   * `stepMs` is how long one step may take; `foundIn` the turn of the lock in which the plan was found in Consul, if it
   * was.
   */
  constructor(world: SwitchWorld, retry: Retry, stepMs: number, plan: SwitchPlan, foundIn: number | undefined) {
    this.#world = world
    this.#retry = retry
    this.#healthJudge = new HealthJudge(stepMs)
    this.#plan = plan
    this.#stoodIn = foundIn
    this.#printer = this.#newPrinter()
  }

  get current(): SwitchPlan {
    return this.#plan
  }

  /** Says that no node is known to run the service, if none was when that was seen last; by now one may. */
  get nowhere(): string | undefined {
    if (this.#observed === undefined || !runsNowhere(this.#plan, this.#observed)) return undefined
    return this.isOutdated ? 'the service may run nowhere' : 'the service runs nowhere now'
  }

  /** Whether others may have been at the switch since it was seen last: the lock, or the sight of it, has left us. */
  get isOutdated(): boolean {
    return this.#seenIn !== this.#world.lock.turn
  }

  /** What is to be seen of the plan now; it goes on by what has come back meanwhile. Rejects with a `Failure`. */
  async observe(ctx: Context): Promise<ObservedPlan> {
    const { consul, cluster, self, lock } = this.#world
    this.#seenIn = undefined
    for (;;) {
      const { turn } = lock
      const observed = await this.#retry.until(ctx, () =>
        observePlan(ctx, consul, cluster, this.#plan, self, this.#healthJudge),
      )
      const { standing } = observed
      // What goes while the lock is ours was deleted by somebody who switches nothing, and is written anew.
      const mayBeOver = this.#stoodIn !== undefined && this.#stoodIn !== turn
      if (isSuperseded(this.#plan, standing, mayBeOver)) throw new Superseded(this.#plan, cluster, observed)
      if (standing.length > 0) this.#stoodIn = turn
      const plan = await this.#retry.until(ctx, () =>
        withReturned(ctx, this.#plan, { cluster, self, sites: observed.sites }),
      )
      if (plan === this.#plan) {
        this.#remember(observed)
        this.#seenIn = turn
        return observed
      }
      this.follow(plan)
    }
  }

  /** Has `write` write the plan down, and settles as that does. */
  async record(ctx: Context, write: () => Promise<boolean>): Promise<boolean> {
    try {
      const done = await write()
      if (done) this.#stoodIn = this.#seenIn
      return done
    } catch (thrown) {
      // What wasn't answered may have been done, and whoever resumes it may end it before we look again.
      if (ctx.signal.aborted || isTransient(thrown, this.#world.consul)) this.#stoodIn = this.#seenIn
      throw thrown
    }
  }

  /** The step that comes next by what was observed. Throws a `conflict` failure when the roles are others' doing. */
  next(observed: ObservedPlan): SwitchStep {
    const dispute = roleConflict(this.#plan, observed, this.#lastKnownRoles)
    if (dispute === undefined) return nextStep(this.#plan, observed)
    const { datacenter, answer } = dispute
    if (answer === 'restore') return { kind: 'swap', datacenter, to: 'after' }
    const { key } = this.#world.cluster
    const goOn = `to go on: consul kv put -datacenter=${datacenter} ${key} '${observed.swap(datacenter).after}'`
    throw new Failure('conflict', `the roles at ${key} in ${datacenter} are others than this switch found or makes`, {
      hint: answer === 'ask' ? goOn : undefined,
    })
  }

  /** Goes on by another plan. */
  follow(plan: SwitchPlan): void {
    const { course, undoes, demote, unfenced = [] } = this.#plan
    const hasMoreNodes = plan.demote.length !== demote.length || (plan.unfenced?.length ?? 0) > unfenced.length
    const hasOtherSteps = plan.course !== course || plan.undoes !== undoes || hasMoreNodes
    this.#plan = plan
    if (plan.undoes !== undoes) this.#lastKnownRoles.clear()
    this.#printer.skip(skippedLines(plan))
    if (hasOtherSteps) this.#printer = this.#newPrinter()
  }

  /** What undoes the switch, as far as that can be seen now. Rejects with a `Superseded` failure. */
  async rollback(ctx: Context, failure: Failure): Promise<SwitchPlan | undefined> {
    try {
      const observed = await withDeadline(ctx, RECONSIDER_MS, (ctx) => this.observe(ctx))
      const dispute = roleConflict(this.#plan, observed, this.#lastKnownRoles)
      if (dispute && dispute.answer !== 'undo') return undefined
      return rollbackOf(this.#plan, observed, failure.message)
    } catch (thrown) {
      if (thrown instanceof Superseded) throw thrown
      ctx.log.debug(`what to undo can't be seen: ${messageOf(thrown)}`)
      return undefined
    }
  }

  /** This step is the next, which people are told. */
  reach(step: SwitchStep): void {
    this.#printer.reach(step)
  }

  /** The step that was reached last has failed, which people are told. */
  fail(): void {
    this.#printer.fail()
  }

  #remember(observed: ObservedPlan): void {
    this.#observed = observed
    for (const { datacenter } of this.#plan.swaps) {
      const side = observed.roles(datacenter)
      if (side === 'before' || side === 'after') this.#lastKnownRoles.set(datacenter, side)
    }
  }

  #newPrinter(): StepPrinter {
    return new StepPrinter(this.#world.output, stepsOf(this.#plan), skippedLines(this.#plan))
  }
}
