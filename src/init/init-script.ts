import { within } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { type AgentSelf, agentSelf } from '../consul/agent.ts'
import { Retry } from '../consul/retry.ts'
import type { Direction } from '../switchover/flags.ts'
import { ownRole, survey } from '../switchover/ground.ts'
import type { Teller } from '../switchover/lines.ts'
import type { Wish } from '../switchover/planning.ts'
import type { Cluster } from '../switchover/site.ts'
import { abortSwitch, rehearse, startPrimary } from '../switchover/start-primary.ts'
import type { Patience, SwitchEnd } from '../switchover/switch-world.ts'
import type { Switcher } from '../switchover/turn.ts'
import { clusterHealth } from './cluster-health.ts'
import { incidentsOf, leavesNobody } from './incidents.ts'
import { LocalServices, type ServiceTeller } from './local-services.ts'
import { ownAgent } from './own-agent.ts'
import { clusterOf, OwnNode, type Script } from './own-node.ts'
import { checkRole } from './role-rules.ts'
import type { Status } from './status-block.ts'

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

const NOWHERE = 'the service runs nowhere now, as far as Consul tells'

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

  /** Starts the services of a primary node; waits for Consul. Rejects with a `Failure`, as all actions do. */
  async start(ctx: Context): Promise<void> {
    const self = await this.#whenReached(ctx)
    using _turn = await this.#node.turn(ctx)
    await this.#checkRole(ctx, self, 'start')
    await this.#services.start(ctx)
  }

  /** Stops the services of a standby node. */
  async stop(ctx: Context): Promise<void> {
    const self = await ownAgent(ctx, this.#world.consul)
    using _turn = await this.#node.turn(ctx)
    await this.#checkRole(ctx, self, 'stop')
    await this.#services.stop(ctx)
  }

  /** Stops and starts the services of a primary node; checks don't mind meanwhile. */
  async restart(ctx: Context): Promise<void> {
    const self = await this.#whenReached(ctx)
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
      const { cluster, runs } = await clusterHealth(ctx, ground)
      const isNowhere = (!runs || leavesNobody(ground)) && local.every(({ state }) => state === 'stopped')
      const notes = [...incidentsOf(ground), ...(isNowhere ? [NOWHERE] : [])]
      for (const note of notes) ctx.log.warn(note)
      return { name: file.name, cluster, local, ...(notes.length === 0 ? {} : { notes }) }
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
  async startPrimary(ctx: Context, { wish, ...how }: StartPrimaryRequest): Promise<SwitchEnd> {
    return startPrimary(ctx, { wish, ...(await this.#switching(ctx, how)) })
  }

  /** What that would tell, line by line; nothing is changed. */
  async rehearse(ctx: Context, wish: Wish) {
    const { consul } = this.#world
    return rehearse(ctx, { consul, cluster: this.#cluster, self: await ownAgent(ctx, consul), wish })
  }

  /** Undoes a switch that broke off. */
  async abortSwitch(ctx: Context, how: Omit<StartPrimaryRequest, 'wish'>): Promise<SwitchEnd> {
    return abortSwitch(ctx, await this.#switching(ctx, how))
  }

  async #switching(ctx: Context, { patience, who, interruption }: Omit<StartPrimaryRequest, 'wish'>) {
    const { consul, teller } = this.#world
    const self = await ownAgent(ctx, consul)
    const quietly = new OwnNode(this.#world, this.#quietServices)
    const attend = (ctx: Context, direction: Direction) => quietly.attendInSwitch(ctx, self, direction)
    return { consul, cluster: this.#cluster, self, who, patience, world: { teller, interruption, attend } }
  }

  /**
   * Who we are, once Consul tells us that and what stands there: after a power-up it may come later than we do, and
   * have no leader yet.
   */
  async #whenReached(ctx: Context): Promise<AgentSelf> {
    const { consul } = this.#world
    const { patienceMs } = consul.reach
    const retry = new Retry(consul)
    const ask = (ctx: Context) =>
      retry.until(ctx, async () => {
        const self = await ownAgent(ctx, consul)
        await survey(ctx, consul, this.#cluster, self)
        return self
      })
    if (!Number.isFinite(patienceMs)) return ask(ctx)
    const late = () => new Failure('unavailable', `Consul tells nothing within ${formatDuration(patienceMs)}`)
    return within(ctx, patienceMs, () => retry.trouble ?? late(), ask)
  }

  async #checkRole(ctx: Context, self: AgentSelf, action: 'start' | 'stop' | 'restart'): Promise<void> {
    const ground = await survey(ctx, this.#world.consul, this.#cluster, self)
    checkRole(action, ownRole(ground), ground.home.flag(self.node, 'demote').value)
  }
}
