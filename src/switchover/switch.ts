import { scope, sleep, withDeadline } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { Retry } from '../consul/retry.ts'
import { HealthWatch } from './health-watch.ts'
import { lateness } from './lateness.ts'
import { linesSkipped, Script } from './lines.ts'
import { forget, perform } from './perform.ts'
import { isRetreat, type Plan, primaryAfter, skipping } from './plan.ts'
import { disputed, nextStep, owed, retreat, runsNowhere, type Step, stepsOf, untold } from './protocol.ts'
import type { NodeAt } from './roles.ts'
import { look, type Sighting } from './sighting.ts'
import { withFound } from './swaps.ts'
import type { Patience, SwitchEnd, SwitchWorld } from './switch-world.ts'
import { type NodeStep, Vigil } from './vigil.ts'

const POLL_FIRST_MS = 100
const POLL_MAX_MS = 1000
/** How long we look for what to make of a failure. */
const RECONSIDER_MS = 30_000
/** For so long an outage of Consul prolongs a step. An election takes some 20 s at Consul's own settings. */
const OUTAGE_MS = 300_000

/** Carries out a plan, from wherever it stands. */
export class Switch {
  readonly #world: SwitchWorld
  readonly #patience: Patience
  readonly #retry: Retry
  readonly #vigil: Vigil
  readonly #healthWatch: HealthWatch
  /** Which of the plan's roles stood in each datacenter when any of them did. */
  readonly #known = new Map<string, 'before' | 'after'>()
  #seen: Sighting | undefined
  #plan: Plan
  #script: Script

  /** `failing` are the nodes whose service was critical when the plan was made; `patience` says what that means. */
  constructor(world: SwitchWorld, patience: Patience, plan: Plan, failing: readonly NodeAt[] = []) {
    this.#world = world
    this.#patience = patience
    this.#retry = new Retry(world.consul)
    this.#vigil = new Vigil(world, patience, this.#retry, failing)
    this.#healthWatch = new HealthWatch(patience.stepMs)
    this.#plan = plan
    this.#script = this.#newScript()
  }

  /**
   * Settles when the switch is done or undone. Rejects with a `Failure` when it can be neither now, or with the
   * signal's reason; then the plan stands in Consul, and another run goes on with it.
   */
  async run(ctx: Context): Promise<SwitchEnd> {
    for (;;) {
      let step: Step | undefined
      try {
        const sighting = await this.#within(ctx, undefined, (ctx) => this.#look(ctx))
        const next = this.#next(sighting)
        step = next
        this.#script.reach(next)
        if (next.kind !== 'forget') await this.#within(ctx, next, (ctx) => this.#take(ctx, next, sighting))
        else if (await this.#within(ctx, next, (ctx) => this.#forget(ctx, sighting))) return this.#end(sighting)
      } catch (thrown) {
        this.#script.fail()
        if (ctx.signal.aborted) throw this.#cutOff(ctx)
        if (!(thrown instanceof Failure)) throw thrown
        await this.#turnBack(ctx, thrown, step)
      }
    }
  }

  /** Turns the plan back, and carries that out. Settles and rejects as `run` does. */
  async undo(ctx: Context, why: string): Promise<SwitchEnd> {
    if (!isRetreat(this.#plan)) {
      const turned = await this.#wayBack(ctx, new Failure('declined', why))
      if (!turned) throw this.#stands(new Failure('declined', 'the switch cannot be undone'))
      this.#follow(turned)
    }
    return this.run(ctx)
  }

  #next(sighting: Sighting): Step {
    const dispute = disputed(this.#plan, sighting, this.#known)
    if (dispute === undefined) return nextStep(this.#plan, sighting)
    const { datacenter, answer } = dispute
    if (answer === 'restore') return { kind: 'swap', datacenter, to: 'after' }
    const { key } = this.#world.cluster
    const goOn = `to go on: consul kv put -datacenter=${datacenter} ${key} '${sighting.swap(datacenter).after}'`
    throw new Failure('declined', `the roles at ${key} in ${datacenter} are others than this switch found or makes`, {
      hint: answer === 'ask' ? goOn : undefined,
    })
  }

  async #look(ctx: Context): Promise<Sighting> {
    const { consul, cluster, self } = this.#world
    for (;;) {
      const sighting = await this.#retry.until(ctx, () =>
        look(ctx, consul, cluster, this.#plan, self, this.#healthWatch),
      )
      const plan = await this.#retry.until(ctx, () =>
        withFound(ctx, this.#plan, { cluster, self, sites: sighting.sites }),
      )
      if (plan === this.#plan) {
        this.#remember(sighting)
        return sighting
      }
      this.#follow(plan)
    }
  }

  #remember(sighting: Sighting): void {
    this.#seen = sighting
    for (const { datacenter } of this.#plan.swaps) {
      const side = sighting.roles(datacenter)
      if (side === 'before' || side === 'after') this.#known.set(datacenter, side)
    }
  }

  /** Works on a step until another one is the next. */
  async #take(ctx: Context, step: Step, first: Sighting): Promise<void> {
    const backoff = new Backoff(ctx.random, POLL_FIRST_MS, POLL_MAX_MS)
    const isNext = (sighting: Sighting) => JSON.stringify(this.#next(sighting)) === JSON.stringify(step)
    for (let sighting = first; isNext(sighting); sighting = await this.#look(ctx)) {
      this.#heedInterruption(sighting)
      if (step.kind === 'await' || step.kind === 'confirm') {
        if (await this.#vigil.givesUp(ctx, this.#plan, step, sighting)) {
          return this.#follow(skipping(this.#plan, step.at))
        }
        await sleep(ctx, backoff.next())
      } else if (step.kind !== 'forget' && !(await this.#perform(ctx, step, sighting))) {
        await sleep(ctx, backoff.next())
      }
    }
  }

  async #perform(ctx: Context, step: Exclude<Step, NodeStep | { kind: 'forget' }>, sighting: Sighting) {
    const { cluster, self, turn } = this.#world
    const fence = await turn.proof(ctx)
    const performing = { cluster, plan: this.#plan, sighting, home: self.datacenter, fence }
    return this.#retry.until(ctx, () => perform(ctx, performing, step))
  }

  /** Once the roles are swapped the quickest way out is forward. */
  #heedInterruption(sighting: Sighting): void {
    const swapped = this.#plan.swaps.some(({ datacenter }) => sighting.roles(datacenter) === 'after')
    if (!this.#world.interruption.aborted || swapped || this.#plan.course === 'back') return
    throw new Failure('declined', 'the switch was interrupted')
  }

  /** A step's time doesn't count while Consul doesn't answer: an election must not end with nobody running. */
  async #within<T>(ctx: Context, step: Step | undefined, work: (ctx: Context) => Promise<T>): Promise<T> {
    using bounded = scope(ctx.signal)
    const { stepMs } = this.#patience
    const outage = this.#retry.outage(ctx)
    let cancel = () => {}
    const late = (grantedMs: number) => {
      const lostMs = Math.min(outage(), OUTAGE_MS)
      if (lostMs <= grantedMs) bounded.abort(lateness(step, stepMs, this.#retry.trouble))
      else cancel = ctx.clock.after(lostMs - grantedMs, () => late(lostMs))
    }
    cancel = ctx.clock.after(stepMs, () => late(0))
    try {
      return await work({ ...ctx, signal: bounded.signal })
    } finally {
      cancel()
    }
  }

  /**
   * Undoes what can be undone; rejects when nothing can, or when undoing fails as well. A node that only doesn't start
   * again leaves nothing to undo: the roles are right, and a plan that stood on would be in the way of the next switch.
   * Nor is there any reason to when all is done but for taking the plan away.
   */
  async #turnBack(ctx: Context, failure: Failure, step: Step | undefined): Promise<void> {
    const turned = step?.kind === 'forget' ? undefined : await this.#wayBack(ctx, failure)
    if (turned) {
      ctx.log.warn(`${failure.message}; undoing the switch${failure.hint === undefined ? '' : ` (${failure.hint})`}`)
      return this.#follow(turned)
    }
    if (step?.kind === 'confirm' && isRetreat(this.#plan)) {
      ctx.log.warn(`${failure.message}; ${step.at.node} is primary again, but its services are not known to run`)
      return this.#follow(skipping(this.#plan, step.at))
    }
    throw this.#stands(failure)
  }

  /** The failure of a switch that is neither done nor undone. */
  #stands(failure: Failure): Failure {
    const nowhere = this.#runsNowhere() ? 'the service runs nowhere now, and ' : ''
    const goOn = 'start-primary again goes on with it, start-primary --abort undoes it'
    return new Failure('declined', `${failure.message}; ${nowhere}the switch stands where it is`, {
      hint: [failure.hint, goOn, 'status shows who is primary'].filter((hint) => hint !== undefined).join('; '),
    })
  }

  /** Why we were stopped: somebody else is at it, or we are to end at once. */
  #cutOff(ctx: Context): unknown {
    const { reason } = ctx.signal
    if (reason instanceof Failure) return this.#stands(reason)
    if (this.#runsNowhere()) ctx.log.error('the service runs nowhere now (start-primary again goes on with the switch)')
    return reason
  }

  #runsNowhere(): boolean {
    return this.#seen !== undefined && runsNowhere(this.#plan, this.#seen)
  }

  /** What undoes the switch, as far as that can be seen now. */
  async #wayBack(ctx: Context, failure: Failure): Promise<Plan | undefined> {
    try {
      const sighting = await withDeadline(ctx, RECONSIDER_MS, (ctx) => this.#look(ctx))
      const dispute = disputed(this.#plan, sighting, this.#known)
      if (dispute && dispute.answer !== 'undo') return undefined
      return retreat(this.#plan, sighting, failure.message)
    } catch (thrown) {
      ctx.log.debug(`what to undo can't be seen: ${messageOf(thrown)}`)
      return undefined
    }
  }

  #follow(plan: Plan): void {
    const { course, undoes, demote } = this.#plan
    const hasOtherSteps = plan.course !== course || plan.undoes !== undoes || plan.demote.length !== demote.length
    this.#plan = plan
    if (plan.undoes !== undoes) this.#known.clear()
    if (hasOtherSteps) this.#script = this.#newScript()
    else this.#script.skip(linesSkipped(plan))
  }

  #newScript(): Script {
    return new Script(this.#world.teller, stepsOf(this.#plan), linesSkipped(this.#plan))
  }

  /** Settles with whether the plan is gone; it stays for datacenters that still owe their part. */
  async #forget(ctx: Context, sighting: Sighting): Promise<boolean> {
    if (owed(this.#plan, sighting).length > 0) return true
    const { cluster, self, turn } = this.#world
    const fence = await turn.proof(ctx)
    const performing = { cluster, plan: this.#plan, sighting, home: self.datacenter, fence }
    return this.#retry.until(ctx, () => forget(ctx, performing))
  }

  #end(sighting: Sighting): SwitchEnd {
    const plan = this.#plan
    if (isRetreat(plan)) {
      return { kind: 'undone', why: plan.why ?? '', primary: primaryAfter(plan), nowhere: runsNowhere(plan, sighting) }
    }
    return { kind: 'switched', skipped: plan.skipped, owed: owed(plan, sighting), untold: untold(plan, sighting) }
  }
}
