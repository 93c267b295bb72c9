import { scope } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { type AgentSelf, agentSelf } from '../consul/agent.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import { type Attendants, attend } from '../switchover/attendance.ts'
import type { Direction } from '../switchover/flags.ts'
import type { Cluster } from '../switchover/site.ts'
import type { InitFile } from './init-file.ts'
import type { LocalServices } from './local-services.ts'
import { localTurn } from './local-turn.ts'
import { liftNoop, setNoop } from './noop-lockfile.ts'

/** An init script and where it stands. */
export interface Script {
  readonly consul: Consul
  readonly file: InitFile
  readonly path: string
  /** That of the service commands. */
  readonly environment: NodeJS.ProcessEnv
}

/** A watch's handler outlives an outage of Consul, but not a machine that has been taken out of service. */
const ATTENDANCE_MS = 600_000
const UNATTENDED = new Failure('declined', 'the flag could not be attended to within 10m', {
  hint: 'is the Consul agent of this node running?',
})

/** Our node, as its flags move it: one action at a time, and checks that don't mind meanwhile. */
export class OwnNode {
  readonly #script: Script
  readonly #services: LocalServices

  constructor(script: Script, services: LocalServices) {
    this.#script = script
    this.#services = services
  }

  /** Waits for this script's turn on this machine; it ends when it is disposed. Rejects with a `Failure`. */
  turn(ctx: Context): Promise<Disposable> {
    const { path, file, environment } = this.#script
    return localTurn(ctx, environment, path, file.step_timeout)
  }

  /** Does what a flag asks for; for watches. Trouble with Consul is sat out. */
  async attend(ctx: Context, direction: Direction): Promise<void> {
    const { consul } = this.#script
    using bounded = scope(ctx.signal)
    const cancel = ctx.clock.after(ATTENDANCE_MS, () => bounded.abort(UNATTENDED))
    const within = { ...ctx, signal: bounded.signal }
    try {
      const self = await new Retry(consul).until(within, () => agentSelf(within, consul))
      await this.#attendAs(within, self, direction)
    } finally {
      cancel()
    }
  }

  /** The same for a switch of ours: a failure is in our node's report, where the switch looks for it. */
  async attendInSwitch(ctx: Context, self: AgentSelf, direction: Direction): Promise<void> {
    try {
      await this.#attendAs(ctx, self, direction)
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown
      ctx.log.debug(`${direction} failed: ${thrown.message}`)
    }
  }

  async #attendAs(ctx: Context, self: AgentSelf, direction: Direction): Promise<void> {
    using _turn = await this.turn(ctx)
    const { consul, file } = this.#script
    const services = this.#services
    const attendants: Attendants = {
      prepare: async (ctx) => this.setNoop(ctx, 'promote'),
      stop: async (ctx) => {
        this.setNoop(ctx, 'demote')
        await services.stop(ctx)
      },
      start: async (ctx) => {
        try {
          await services.start(ctx)
        } finally {
          this.liftNoop() // A start that failed is what checks are for.
        }
      },
      rest: async () => this.liftNoop(),
    }
    const duties = await attend(ctx, { consul, cluster: clusterOf(file), self, direction, attendants })
    ctx.log.debug(`${direction}: ${duties.join(', ') || 'nothing to do'}`)
  }

  /** Checks don't mind from now on, until it is lifted or has expired. */
  setNoop(ctx: Context, reason: string): void {
    const { noop_lockfile, noop_expires } = this.#script.file
    if (noop_lockfile !== undefined) setNoop(noop_lockfile, reason, noop_expires, ctx.clock.now().wallMs)
  }

  liftNoop(): void {
    const { noop_lockfile } = this.#script.file
    if (noop_lockfile !== undefined) liftNoop(noop_lockfile)
  }
}

export function clusterOf({ cluster_key, consul_service }: InitFile): Cluster {
  return { service: consul_service, key: `${cluster_key}/${consul_service}` }
}
