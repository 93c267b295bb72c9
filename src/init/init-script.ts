import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { type AgentSelf, agentSelf } from '../consul/agent.ts'
import type { Health } from '../consul/health.ts'
import { serviceHealth } from '../consul/instances.ts'
import type { Direction } from '../switchover/flags.ts'
import { type Ground, ownRole, survey } from '../switchover/ground.ts'
import type { Teller } from '../switchover/lines.ts'
import { membersOf } from '../switchover/members.ts'
import type { Wish } from '../switchover/planning.ts'
import type { Cluster } from '../switchover/site.ts'
import { startPrimary } from '../switchover/start-primary.ts'
import type { Patience, SwitchEnd } from '../switchover/switch-world.ts'
import type { Switcher } from '../switchover/turn.ts'
import { LocalServices, type ServiceTeller } from './local-services.ts'
import { clusterOf, OwnNode, type Script } from './own-node.ts'
import { checkRole } from './role-rules.ts'
import type { NodeHealth, Status } from './status-block.ts'

/** What an init script needs of the world. */
export interface InitWorld extends Script {
  readonly teller: ServiceTeller & Teller
}

/** How the primary is to be started. */
export interface StartPrimaryRequest {
  readonly wish: Wish
  readonly patience: Patience
  readonly who: Switcher
  readonly interruption: AbortSignal
}

/** Tells nobody. */
export const SILENT: ServiceTeller = { begin: () => {}, end: () => {}, say: () => {} }

/** One init script on one node: its local services, and their place in the cluster. */
export class InitScript {
  readonly #world: InitWorld
  readonly #cluster: Cluster
  readonly #node: OwnNode
  readonly #services: LocalServices
  readonly #quietServices: LocalServices

  constructor(world: InitWorld) {
    const { file, environment, teller } = world
    this.#world = world
    this.#cluster = clusterOf(file)
    this.#services = new LocalServices(file, environment, teller)
    this.#quietServices = new LocalServices(file, environment, SILENT)
    this.#node = new OwnNode(world, this.#services)
  }

  /** Starts the services of a primary node. Rejects with a `Failure`, as all actions do. */
  async start(ctx: Context): Promise<void> {
    const self = await agentSelf(ctx, this.#world.consul)
    using _turn = await this.#node.turn(ctx)
    await this.#checkRole(ctx, self, 'start')
    await this.#services.start(ctx)
  }

  /** Stops the services of a standby node. */
  async stop(ctx: Context): Promise<void> {
    const self = await agentSelf(ctx, this.#world.consul)
    using _turn = await this.#node.turn(ctx)
    await this.#checkRole(ctx, self, 'stop')
    await this.#services.stop(ctx)
  }

  /** Stops and starts the services of a primary node; checks don't mind meanwhile. */
  async restart(ctx: Context): Promise<void> {
    const self = await agentSelf(ctx, this.#world.consul)
    using _turn = await this.#node.turn(ctx)
    await this.#checkRole(ctx, self, 'restart')
    this.#node.setNoop(ctx, 'restart')
    try {
      await this.#services.stop(ctx)
      await this.#services.start(ctx)
    } finally {
      this.#node.liftNoop(ctx)
    }
  }

  /** Settles with what can be told, even though Consul can't be asked; then it warns. */
  async status(ctx: Context): Promise<Status> {
    const local = await this.#quietServices.status(ctx)
    try {
      const { consul, file } = this.#world
      const ground = await survey(ctx, consul, this.#cluster, await agentSelf(ctx, consul))
      const { plan } = ground.home
      if (plan) ctx.log.notice(`a switch that ${plan.by} began at ${plan.since} is not over yet`)
      return { name: file.name, cluster: await this.#health(ctx, ground), local }
    } catch (thrown) {
      ctx.signal.throwIfAborted()
      if (!(thrown instanceof Failure)) throw thrown
      const { message, hint } = thrown
      ctx.log.error(`the cluster's state can't be told: ${message}${hint === undefined ? '' : ` (${hint})`}`)
      return { name: this.#world.file.name, cluster: undefined, local }
    }
  }

  /** Does what a flag of this node asks for; for watches. Trouble with Consul is sat out. */
  attend(ctx: Context, direction: Direction): Promise<void> {
    return this.#node.attend(ctx, direction)
  }

  /** Makes the standby nodes primary. */
  async startPrimary(ctx: Context, request: StartPrimaryRequest): Promise<SwitchEnd> {
    const { consul, teller } = this.#world
    const { wish, patience, who, interruption } = request
    const self = await agentSelf(ctx, consul)
    const quietly = new OwnNode(this.#world, this.#quietServices)
    return startPrimary(ctx, {
      consul,
      cluster: this.#cluster,
      self,
      who,
      wish,
      patience,
      world: { teller, interruption, attend: (ctx, direction) => quietly.attendInSwitch(ctx, self, direction) },
    })
  }

  async #checkRole(ctx: Context, self: AgentSelf, action: 'start' | 'stop' | 'restart'): Promise<void> {
    const ground = await survey(ctx, this.#world.consul, this.#cluster, self)
    checkRole(action, ownRole(ground), ground.home.flag(self.node, 'demote').value)
  }

  async #health(ctx: Context, ground: Ground) {
    const members = await membersOf(ctx, ground)
    const known = new Map<string, Map<string, Health>>()
    for (const { consul, datacenter } of ground.sites) {
      known.set(datacenter, await serviceHealth(ctx, consul, this.#cluster.service))
    }
    // One that nobody can place is a member in each place that it may be in.
    const side = (nodes: typeof members.active): NodeHealth[] =>
      nodes
        .filter(({ node }, position) => nodes.findIndex((other) => other.node === node) === position)
        .map(({ node, datacenter }) => ({ node, health: known.get(datacenter)?.get(node) ?? 'critical' }))
    return { active: side(members.active), standby: side(members.standby) }
  }
}
