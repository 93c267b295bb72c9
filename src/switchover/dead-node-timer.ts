import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { serviceHealth } from '../consul/instances.ts'
import { isAlive } from '../consul/node-checks.ts'
import { isAmong, type NodeAt } from './roles.ts'
import type { SwitchWorld } from './switch-world.ts'

/** Looks how long one node has been dead: its agent is, or its service is critical since before it was to demote. */
export class DeadNodeTimer {
  readonly #world: Pick<SwitchWorld, 'consul' | 'cluster'>
  /** For so long a node must have been dead to be given up, in milliseconds; `undefined`: none ever is. */
  readonly #deadAfterMs: number | undefined
  /** Not those that turn critical later: a node that demotes stops its services. */
  #failing: readonly NodeAt[]
  #dead: { readonly at: NodeAt; readonly since: Instant } | undefined

  /** `failing` are the nodes whose service was critical when the switch was planned. */
  constructor(
    world: Pick<SwitchWorld, 'consul' | 'cluster'>,
    deadAfterMs: number | undefined,
    failing: readonly NodeAt[],
  ) {
    this.#world = world
    this.#deadAfterMs = deadAfterMs
    this.#failing = failing
  }

  /** Whether the node has been dead for long enough, as far as we have looked. Rejects with a `Failure`. */
  async givesUp(ctx: Context, at: NodeAt): Promise<boolean> {
    if (this.#deadAfterMs === undefined) return false
    if (!(await this.#isDead(ctx, at))) {
      this.#dead = undefined
      return false
    }
    if (!this.#dead || !isAmong(at, [this.#dead.at])) this.#dead = { at, since: ctx.clock.now() }
    return ctx.clock.since(this.#dead.since) >= this.#deadAfterMs
  }

  async #isDead(ctx: Context, at: NodeAt): Promise<boolean> {
    const { node, datacenter } = at
    const consul = this.#world.consul.inDatacenter(datacenter)
    if (!(await isAlive(ctx, consul, node))) return true
    if (!isAmong(at, this.#failing)) return false
    const health = (await serviceHealth(ctx, consul, this.#world.cluster.service)).get(node)
    if (health !== 'critical') this.#failing = this.#failing.filter((other) => !isAmong(other, [at]))
    return health === 'critical'
  }
}
