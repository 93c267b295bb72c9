import { sleep, withDeadline } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { Retry } from '../consul/retry.ts'
import { fenceNode, leavingOut } from './fencing.ts'
import { HealthJudge } from './health-judge.ts'
import { NodeWait } from './node-wait.ts'
import { type ObservedPlan, observePlan } from './observed-plan.ts'
import { isRollback, primaryAfter, type SwitchPlan, withoutWaiting } from './plan.ts'
import {
  nextStep,
  pendingDatacenters,
  roleConflict,
  rollbackOf,
  runsNowhere,
  type SwitchStep,
  stepsOf,
  unconfirmedNodes,
} from './protocol.ts'
import type { NodeAt } from './roles.ts'
import { StepPrinter, skippedLines } from './step-printer.ts'
import { withinStep } from './step-timeout.ts'
import { withReturned } from './swaps.ts'
import type { SwitchResult, SwitchTimeouts, SwitchWorld } from './switch-world.ts'
import { deletePlan, type WrittenStep, writeStep } from './write-step.ts'

const POLL_FIRST_MS = 100
const POLL_MAX_MS = 1000
/** How long we look for what to make of a failure. */
const RECONSIDER_MS = 30_000

/** Carries out a plan, from wherever it stands. */
export class Switch {
  readonly #world: SwitchWorld
  readonly #timeouts: SwitchTimeouts
  readonly #retry: Retry
  readonly #nodeWait: NodeWait
  readonly #healthJudge: HealthJudge
  /** Which of the plan's roles stood in each datacenter when any of them did. */
  readonly #lastKnownRoles = new Map<string, 'before' | 'after'>()
  #observed: ObservedPlan | undefined
  #plan: SwitchPlan
  #printer: StepPrinter

  /** `failing` are the nodes whose service was critical when the plan was made; `timeouts` says what that means. */
  constructor(world: SwitchWorld, timeouts: SwitchTimeouts, plan: SwitchPlan, failing: readonly NodeAt[] = []) {
    this.#world = world
    this.#timeouts = timeouts
    this.#retry = new Retry(world.consul)
    this.#nodeWait = new NodeWait(world, timeouts, this.#retry, failing)
    this.#healthJudge = new HealthJudge(timeouts.stepMs)
    this.#plan = plan
    this.#printer = this.#newPrinter()
  }

  /**
   * Settles when the switch is done or undone. Rejects with a `Failure` when it can be neither now, or with the
   * signal's reason; then the plan stands in Consul, and another run goes on with it.
   */
  async run(ctx: Context): Promise<SwitchResult> {
    for (;;) {
      let step: SwitchStep | undefined
      try {
        const observed = await this.#within(ctx, undefined, (ctx) => this.#observe(ctx))
        const next = this.#next(observed)
        step = next
        this.#printer.reach(next)
        if (next.kind !== 'forget') await this.#within(ctx, next, (ctx) => this.#take(ctx, next, observed))
        else if (await this.#within(ctx, next, (ctx) => this.#forget(ctx, observed))) return this.#end(observed)
      } catch (thrown) {
        this.#printer.fail()
        if (ctx.signal.aborted) throw this.#cutOff(ctx)
        if (!(thrown instanceof Failure)) throw thrown
        await this.#turnBack(ctx, thrown, step)
      }
    }
  }

  /** Turns the plan back, and carries that out. Settles and rejects as `run` does. */
  async undo(ctx: Context, why: string): Promise<SwitchResult> {
    if (!isRollback(this.#plan)) {
      const turned = await this.#rollback(ctx, new Failure('conflict', why))
      if (!turned) throw this.#unfinished(new Failure('failed', 'the switch cannot be undone'))
      this.#follow(turned)
    }
    return this.run(ctx)
  }

  #next(observed: ObservedPlan): SwitchStep {
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

  async #observe(ctx: Context): Promise<ObservedPlan> {
    const { consul, cluster, self } = this.#world
    for (;;) {
      const observed = await this.#retry.until(ctx, () =>
        observePlan(ctx, consul, cluster, this.#plan, self, this.#healthJudge),
      )
      const plan = await this.#retry.until(ctx, () =>
        withReturned(ctx, this.#plan, { cluster, self, sites: observed.sites }),
      )
      if (plan === this.#plan) {
        this.#remember(observed)
        return observed
      }
      this.#follow(plan)
    }
  }

  #remember(observed: ObservedPlan): void {
    this.#observed = observed
    for (const { datacenter } of this.#plan.swaps) {
      const side = observed.roles(datacenter)
      if (side === 'before' || side === 'after') this.#lastKnownRoles.set(datacenter, side)
    }
  }

  /** Works on a step until another one is the next. */
  async #take(ctx: Context, step: SwitchStep, first: ObservedPlan): Promise<void> {
    const backoff = new Backoff(ctx.random, POLL_FIRST_MS, POLL_MAX_MS)
    const isNext = (observed: ObservedPlan) => JSON.stringify(this.#next(observed)) === JSON.stringify(step)
    for (let observed = first; isNext(observed); observed = await this.#observe(ctx)) {
      this.#heedInterruption(observed)
      if (step.kind === 'await' || step.kind === 'confirm') {
        if (await this.#nodeWait.givesUp(ctx, this.#plan, step, observed)) {
          return this.#follow(leavingOut(this.#plan, step.at, this.#world))
        }
        await sleep(ctx, backoff.next())
      } else if (step.kind === 'fence') {
        return this.#follow(await fenceNode(ctx, this.#plan, step.at, this.#world))
      } else if (step.kind !== 'forget' && !(await this.#perform(ctx, step, observed))) {
        await sleep(ctx, backoff.next())
      }
    }
  }

  async #perform(ctx: Context, step: WrittenStep, observed: ObservedPlan) {
    const { cluster, self, lock } = this.#world
    const lockProof = await lock.proof(ctx)
    const performing = { cluster, plan: this.#plan, observed, home: self.datacenter, lockProof }
    return this.#retry.until(ctx, () => writeStep(ctx, performing, step))
  }

  /** Once the roles are swapped the quickest way out is forward. */
  #heedInterruption(observed: ObservedPlan): void {
    const swapped = this.#plan.swaps.some(({ datacenter }) => observed.roles(datacenter) === 'after')
    if (!this.#world.interruption.aborted || swapped || this.#plan.course === 'back') return
    throw new Failure('failed', 'the switch was interrupted')
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
    const turned = step?.kind === 'forget' ? undefined : await this.#rollback(ctx, failure)
    if (turned) {
      ctx.log.warn(`${failure.message}; undoing the switch${failure.hint === undefined ? '' : ` (${failure.hint})`}`)
      return this.#follow(turned)
    }
    if (step?.kind === 'confirm' && isRollback(this.#plan)) {
      ctx.log.warn(`${failure.message}; ${step.at.node} is primary again, but its services are not known to run`)
      return this.#follow(withoutWaiting(this.#plan, step.at))
    }
    throw this.#unfinished(failure)
  }

  /** The failure of a switch that is neither done nor undone. */
  #unfinished(failure: Failure): Failure {
    const nowhere = this.#runsNowhere() ? 'the service runs nowhere now, and ' : ''
    const goOn = 'start-primary again goes on with it, start-primary --abort undoes it'
    return new Failure('failed', `${failure.message}; ${nowhere}the switch stands where it is`, {
      hint: [failure.hint, goOn, 'status shows who is primary'].filter((hint) => hint !== undefined).join('; '),
    })
  }

  /** Why we were stopped: somebody else is at it, or we are to end at once. */
  #cutOff(ctx: Context): unknown {
    const { reason } = ctx.signal
    if (reason instanceof Failure) return this.#unfinished(reason)
    if (this.#runsNowhere()) ctx.log.error('the service runs nowhere now (start-primary again goes on with the switch)')
    return reason
  }

  #runsNowhere(): boolean {
    return this.#observed !== undefined && runsNowhere(this.#plan, this.#observed)
  }

  /** What undoes the switch, as far as that can be seen now. */
  async #rollback(ctx: Context, failure: Failure): Promise<SwitchPlan | undefined> {
    try {
      const observed = await withDeadline(ctx, RECONSIDER_MS, (ctx) => this.#observe(ctx))
      const dispute = roleConflict(this.#plan, observed, this.#lastKnownRoles)
      if (dispute && dispute.answer !== 'undo') return undefined
      return rollbackOf(this.#plan, observed, failure.message)
    } catch (thrown) {
      ctx.log.debug(`what to undo can't be seen: ${messageOf(thrown)}`)
      return undefined
    }
  }

  #follow(plan: SwitchPlan): void {
    const { course, undoes, demote, unfenced = [] } = this.#plan
    const hasMoreNodes = plan.demote.length !== demote.length || (plan.unfenced?.length ?? 0) > unfenced.length
    const hasOtherSteps = plan.course !== course || plan.undoes !== undoes || hasMoreNodes
    this.#plan = plan
    if (plan.undoes !== undoes) this.#lastKnownRoles.clear()
    this.#printer.skip(skippedLines(plan))
    if (hasOtherSteps) this.#printer = this.#newPrinter()
  }

  #newPrinter(): StepPrinter {
    return new StepPrinter(this.#world.output, stepsOf(this.#plan), skippedLines(this.#plan))
  }

  /** Settles with whether the plan is gone; it stays for datacenters that still owe their part. */
  async #forget(ctx: Context, observed: ObservedPlan): Promise<boolean> {
    if (pendingDatacenters(this.#plan, observed).length > 0) return true
    const { cluster, self, lock } = this.#world
    const lockProof = await lock.proof(ctx)
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
