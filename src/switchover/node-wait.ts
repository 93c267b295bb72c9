import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { isAlive } from '../consul/node-checks.ts'
import type { Retry } from '../consul/retry.ts'
import { DeadNodeTimer } from './dead-node-timer.ts'
import type { ObservedPlan } from './observed-plan.ts'
import { isRollback, type SwitchPlan } from './plan.ts'
import { deadPrimaries } from './planning.ts'
import type { SwitchStep } from './protocol.ts'
import { isAmong, type NodeAt } from './roles.ts'
import type { SwitchTimeouts, SwitchWorld } from './switch-world.ts'

/** A step that a node takes, and we wait for. */
export type NodeStep = Extract<SwitchStep, { kind: 'await' | 'confirm' }>

/** What a switch minds while it waits for a node. */
export class NodeWait {
  readonly #world: SwitchWorld
  readonly #timeouts: SwitchTimeouts
  readonly #retry: Retry
  readonly #deadNodeTimer: DeadNodeTimer
  /** The indexes of our own node's flags that we have done the watch's part for. */
  readonly #handled = new Set<number>()

  /** `failing` are the nodes whose service was critical when the plan was made. */
  constructor(world: SwitchWorld, timeouts: SwitchTimeouts, retry: Retry, failing: readonly NodeAt[]) {
    this.#world = world
    this.#timeouts = timeouts
    this.#retry = retry
    this.#deadNodeTimer = new DeadNodeTimer(world, timeouts.deadAfterMs, failing)
  }

  /**
   * Looks after a step that isn't done yet. Settles with whether the node has been dead for long enough to go on
   * without it; rejects with a `Failure` when there is nothing to wait for any more.
   */
  async givesUp(ctx: Context, plan: SwitchPlan, step: NodeStep, observed: ObservedPlan): Promise<boolean> {
    await this.#handleOwnFlag(ctx, step, observed)
    const { at, direction } = step
    const handled = observed.handled(direction, at)
    if (handled?.outcome === 'failed') {
      throw new Failure('failed', `${at.node} reports: ${handled.note ?? 'it failed'}`)
    }
    if (isDemotion(step) && (await this.#retry.until(ctx, () => this.#deadNodeTimer.givesUp(ctx, at)))) return true
    await this.#failIfDead(ctx, plan, step)
    return false
  }

  /** Our own node's part we do ourselves, once for each value of its flag: its watch may be late, or missing. */
  async #handleOwnFlag(ctx: Context, { direction, at }: NodeStep, observed: ObservedPlan): Promise<void> {
    const { index } = observed.flagAt(direction, at)
    if (!isAmong(at, [this.#world.self]) || this.#handled.has(index)) return
    this.#handled.add(index)
    await this.#world.handleOwnFlag(ctx, direction)
  }

  /** A node that has died meanwhile isn't waited for: there is no telling when it comes back. */
  async #failIfDead(ctx: Context, plan: SwitchPlan, step: NodeStep): Promise<void> {
    const isPrimary = isDemotion(step) && this.#timeouts.deadAfterMs === undefined
    const isCandidate = step.kind === 'await' && step.direction === 'promote'
    const isOnTheWayBack = step.kind === 'confirm' && isRollback(plan)
    if (!isPrimary && !isCandidate && !isOnTheWayBack) return
    const { node, datacenter } = step.at
    const there = this.#world.consul.inDatacenter(datacenter)
    if (await this.#retry.until(ctx, () => isAlive(ctx, there, node))) return
    throw isPrimary ? deadPrimaries([step.at]) : new Failure('failed', `${node} is dead`)
  }
}

function isDemotion({ kind, direction }: NodeStep): boolean {
  return kind === 'await' && direction === 'demote'
}
