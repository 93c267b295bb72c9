import type { Instant } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { isAlive } from '../consul/health.ts'
import type { NodeAt } from './roles.ts'

/** Looks how long Consul has held one node for dead. */
export class DeadWatch {
  readonly #consul: Consul
  /** For so long a node must have been dead to be given up, in milliseconds; `undefined`: none ever is. */
  readonly #deadAfterMs: number | undefined
  #dead: { readonly node: string; readonly since: Instant } | undefined

  constructor(consul: Consul, deadAfterMs: number | undefined) {
    this.#consul = consul
    this.#deadAfterMs = deadAfterMs
  }

  /** Whether the node has been dead for long enough, as far as we have looked. Rejects with a `Failure`. */
  async givesUp(ctx: Context, { node, datacenter }: NodeAt): Promise<boolean> {
    if (this.#deadAfterMs === undefined) return false
    if (await isAlive(ctx, this.#consul.inDatacenter(datacenter), node)) {
      this.#dead = undefined
      return false
    }
    if (this.#dead?.node !== node) this.#dead = { node, since: ctx.clock.now() }
    return ctx.clock.since(this.#dead.since) >= this.#deadAfterMs
  }
}
