import { scope } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { type AgentSelf, agentSelf } from '../consul/agent.ts'
import type { Consul } from '../consul/consul.ts'
import { type Health, serviceHealth } from '../consul/health.ts'
import { Retry } from '../consul/retry.ts'
import { type Attendants, attend } from '../switchover/attendance.ts'
import type { Direction } from '../switchover/flags.ts'
import { type Ground, membersOf, ownRole, survey } from '../switchover/ground.ts'
import type { Teller } from '../switchover/lines.ts'
import type { Wish } from '../switchover/planning.ts'
import type { Cluster } from '../switchover/site.ts'
import { startPrimary } from '../switchover/start-primary.ts'
import type { Patience, SwitchEnd } from '../switchover/switch.ts'
import type { Switcher } from '../switchover/turn.ts'
import type { InitFile } from './init-file.ts'
import { LocalServices, type ServiceTeller } from './local-services.ts'
import { localTurn } from './local-turn.ts'
import { liftNoop, setNoop } from './noop-lockfile.ts'
import { checkRole } from './role-rules.ts'
import type { NodeHealth, Status } from './status-block.ts'

/** What an init script needs of the world. */
export interface InitWorld {
  readonly consul: Consul
  readonly file: InitFile
  /** Where that stands. */
  readonly path: string
  /** The environment of the service commands. */
  readonly environment: NodeJS.ProcessEnv
  readonly teller: ServiceTeller & Teller
}

/** How the primary is to be started. */
export interface StartPrimaryRequest {
  readonly wish: Wish
  readonly patience: Patience
  readonly who: Switcher
  readonly interruption: AbortSignal
}

/** A watch's handler outlives an outage of Consul, but not a machine that has been taken out of service. */
const ATTENDANCE_MS = 600_000
const UNATTENDED = new Failure('declined', 'the flag could not be attended to within 10m', {
  hint: 'is the Consul agent of this node running?',
})

const SILENT: ServiceTeller = { begin: () => {}, end: () => {}, say: () => {} }

/** One init script on one node: its local services, and their place in the cluster. */
export class InitScript {
  readonly #world: InitWorld
  readonly #cluster: Cluster

  constructor(world: InitWorld) {
    this.#world = world
    const { cluster_key, consul_service } = world.file
    this.#cluster = { service: consul_service, key: `${cluster_key}/${consul_service}` }
  }

  /** Starts the services of a primary node. Rejects with a `Failure`, as all actions do. */
  async start(ctx: Context): Promise<void> {
    const self = await agentSelf(ctx, this.#world.consul)
    using _turn = await this.#turn(ctx)
    await this.#checkRole(ctx, self, 'start')
    await this.#services().start(ctx)
  }

  /** Stops the services of a standby node. */
  async stop(ctx: Context): Promise<void> {
    const self = await agentSelf(ctx, this.#world.consul)
    using _turn = await this.#turn(ctx)
    await this.#checkRole(ctx, self, 'stop')
    await this.#services().stop(ctx)
  }

  /** Stops and starts the services of a primary node; checks don't mind meanwhile. */
  async restart(ctx: Context): Promise<void> {
    const self = await agentSelf(ctx, this.#world.consul)
    using _turn = await this.#turn(ctx)
    await this.#checkRole(ctx, self, 'restart')
    const services = this.#services()
    this.#setNoop(ctx, 'restart')
    try {
      await services.stop(ctx)
      await services.start(ctx)
    } finally {
      this.#liftNoop()
    }
  }

  /** Settles with what can be told, even though Consul can't be asked; then it warns. */
  async status(ctx: Context): Promise<Status> {
    const local = await this.#services(SILENT).status(ctx)
    try {
      const { consul, file } = this.#world
      const ground = await survey(ctx, consul, this.#cluster, await agentSelf(ctx, consul))
      const { plan } = ground.home
      if (plan) ctx.log.notice(`a switch that ${plan.by} began at ${plan.since} is not over yet`)
      return { name: file.name, cluster: await this.#health(ctx, ground), local }
    } catch (thrown) {
      ctx.signal.throwIfAborted()
      if (!(thrown instanceof Failure)) throw thrown
      ctx.log.error(`the cluster's state can't be told: ${messageOf(thrown)}`)
      return { name: this.#world.file.name, cluster: undefined, local }
    }
  }

  /** Does what a flag of this node asks for; for watches. Trouble with Consul is sat out. */
  async attend(ctx: Context, direction: Direction): Promise<void> {
    const { consul } = this.#world
    using bounded = scope(ctx.signal)
    const cancel = ctx.clock.after(ATTENDANCE_MS, () => bounded.abort(UNATTENDED))
    const within = { ...ctx, signal: bounded.signal }
    try {
      const self = await new Retry(consul).until(within, () => agentSelf(within, consul))
      await this.#attend(within, direction, self, this.#services())
    } finally {
      cancel()
    }
  }

  /** Makes the standby nodes primary. */
  async startPrimary(ctx: Context, request: StartPrimaryRequest): Promise<SwitchEnd> {
    const { consul, teller } = this.#world
    const { wish, patience, who, interruption } = request
    const self = await agentSelf(ctx, consul)
    const quiet = this.#services(SILENT)
    return startPrimary(ctx, {
      consul,
      cluster: this.#cluster,
      self,
      who,
      wish,
      patience,
      world: {
        teller,
        interruption,
        // A failure is in our node's report, where the switch looks for it.
        attend: (ctx, direction) =>
          this.#attend(ctx, direction, self, quiet).catch((thrown: unknown) => {
            if (!(thrown instanceof Failure)) throw thrown
            ctx.log.debug(`${direction} failed: ${thrown.message}`)
          }),
      },
    })
  }

  async #attend(ctx: Context, direction: Direction, self: AgentSelf, services: LocalServices): Promise<void> {
    using _turn = await this.#turn(ctx)
    const attendants: Attendants = {
      prepare: async (ctx) => this.#setNoop(ctx, 'promote'),
      stop: async (ctx) => {
        this.#setNoop(ctx, 'demote')
        await services.stop(ctx)
      },
      start: async (ctx) => {
        await services.start(ctx)
        this.#liftNoop()
      },
      rest: async () => this.#liftNoop(),
    }
    const duties = await attend(ctx, {
      consul: this.#world.consul,
      cluster: this.#cluster,
      self,
      direction,
      attendants,
    })
    ctx.log.debug(`${direction}: ${duties.join(', ') || 'nothing to do'}`)
  }

  async #checkRole(ctx: Context, self: AgentSelf, action: 'start' | 'stop' | 'restart'): Promise<void> {
    const ground = await survey(ctx, this.#world.consul, this.#cluster, self)
    checkRole(action, ownRole(ground), ground.home.flag(self.node, 'demote').value)
  }

  async #health(ctx: Context, ground: Ground) {
    const members = await membersOf(ctx, ground)
    const known = new Map<string, Health>()
    for (const { consul } of ground.sites) {
      for (const [node, health] of await serviceHealth(ctx, consul, this.#cluster.service)) known.set(node, health)
    }
    const side = (nodes: typeof members.active): NodeHealth[] =>
      nodes.map(({ node }) => ({ node, health: known.get(node) ?? 'critical' }))
    return { active: side(members.active), standby: side(members.standby) }
  }

  #services(teller: ServiceTeller = this.#world.teller): LocalServices {
    return new LocalServices(this.#world.file, this.#world.environment, teller)
  }

  #turn(ctx: Context): Promise<Disposable> {
    return localTurn(ctx, this.#world.path, this.#world.file.step_timeout)
  }

  #setNoop(ctx: Context, reason: string): void {
    const { noop_lockfile, noop_expires } = this.#world.file
    if (noop_lockfile !== undefined) setNoop(noop_lockfile, reason, noop_expires, ctx.clock.now().wallMs)
  }

  #liftNoop(): void {
    if (this.#world.file.noop_lockfile !== undefined) liftNoop(this.#world.file.noop_lockfile)
  }
}
