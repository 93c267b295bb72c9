import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { isAlive } from '../consul/node-checks.ts'
import type { Retry } from '../consul/retry.ts'
import { DeadWatch } from './dead-watch.ts'
import { isRetreat, type Plan } from './plan.ts'
import { deadPrimaries } from './planning.ts'
import type { Step } from './protocol.ts'
import { isAmong, type NodeAt } from './roles.ts'
import type { Sighting } from './sighting.ts'
import type { Patience, SwitchWorld } from './switch-world.ts'

/** A step that a node takes, and we wait for. */
export type NodeStep = Extract<Step, { kind: 'await' | 'confirm' }>

/** What a switch minds while it waits for a node. */
export class Vigil {
  readonly #world: SwitchWorld
  readonly #patience: Patience
  readonly #retry: Retry
  readonly #deadWatch: DeadWatch
  /** The indexes of our own node's flags that we have done the watch's part for. */
  readonly #attended = new Set<number>()

  /** `failing` are the nodes whose service was critical when the plan was made. */
  constructor(world: SwitchWorld, patience: Patience, retry: Retry, failing: readonly NodeAt[]) {
    this.#world = world
    this.#patience = patience
    this.#retry = retry
    this.#deadWatch = new DeadWatch(world, patience.deadAfterMs, failing)
  }

  /**
   * Looks after a step that isn't done yet. Settles with whether the node has been dead for long enough to go on
   * without it; rejects with a `Failure` when there is nothing to wait for any more.
   */
  async givesUp(ctx: Context, plan: Plan, step: NodeStep, sighting: Sighting): Promise<boolean> {
    await this.#attend(ctx, step, sighting)
    const { at, direction } = step
    const handled = sighting.handled(direction, at)
    if (handled?.outcome === 'failed') {
      throw new Failure('declined', `${at.node} reports: ${handled.note ?? 'it failed'}`)
    }
    if (isDemotion(step) && (await this.#retry.until(ctx, () => this.#deadWatch.givesUp(ctx, at)))) return true
    await this.#heedDeath(ctx, plan, step)
    return false
  }

  /** Our own node's part we do ourselves, once for each value of its flag: its watch may be late, or missing. */
  async #attend(ctx: Context, { direction, at }: NodeStep, sighting: Sighting): Promise<void> {
    const { index } = sighting.flagAt(direction, at)
    if (!isAmong(at, [this.#world.self]) || this.#attended.has(index)) return
    this.#attended.add(index)
    await this.#world.attend(ctx, direction)
  }

  /** A node that has died meanwhile isn't waited for: there is no telling when it comes back. */
  async #heedDeath(ctx: Context, plan: Plan, step: NodeStep): Promise<void> {
    const isPrimary = isDemotion(step) && this.#patience.deadAfterMs === undefined
    const isOnTheWayBack = step.kind === 'confirm' && isRetreat(plan)
    if (!isPrimary && !isOnTheWayBack) return
    const { node, datacenter } = step.at
    const there = this.#world.consul.inDatacenter(datacenter)
    if (await this.#retry.until(ctx, () => isAlive(ctx, there, node))) return
    throw isPrimary ? deadPrimaries([step.at]) : new Failure('declined', `${node} is dead`)
  }
}

function isDemotion({ kind, direction }: NodeStep): boolean {
  return kind === 'await' && direction === 'demote'
}
