import { withTimeout } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { type AgentSelf, agentSelf } from '../consul/agent-self.ts'
import { Retry } from '../consul/retry.ts'
import type { ClusterId } from '../switchover/cluster-site.ts'
import { ownRole, viewCluster } from '../switchover/cluster-view.ts'
import type { Direction } from '../switchover/flags.ts'
import type { SwitchOptions } from '../switchover/planning.ts'
import { abortSwitch, dryRunSwitch, startPrimary } from '../switchover/start-primary.ts'
import type { StepOutput } from '../switchover/step-printer.ts'
import type { Switcher } from '../switchover/switch-lock.ts'
import type { SwitchResult, SwitchTimeouts } from '../switchover/switch-world.ts'
import { clusterHealth } from './cluster-health.ts'
import { hasStoppedService, problemsOf } from './cluster-problems.ts'
import { checkFenceCommand, fenceOf } from './fence-command.ts'
import { localAgent } from './local-agent.ts'
import { clusterOf, type LoadedScript, LocalNode } from './local-node.ts'
import { LocalServices, type ServiceOutput } from './local-services.ts'
import { checkRole } from './role-rules.ts'
import type { InitStatus } from './status-block.ts'

/** What an init script needs of the world. */
export interface InitWorld extends LoadedScript {
  readonly output: ServiceOutput & StepOutput
}

/** How the primary is to be started. */
export interface StartPrimaryRequest {
  readonly options: SwitchOptions
  readonly timeouts: SwitchTimeouts
  readonly who: Switcher
  readonly interruption: AbortSignal
}

const NOWHERE = 'the service runs nowhere now, as far as Consul tells'

/** Tells nobody. */
export const NO_OUTPUT: ServiceOutput = { begin: () => {}, end: () => {}, say: () => {} }

/** One init script on one node: its local services, and their place in the cluster. */
export class InitScript {
  readonly #world: InitWorld
  readonly #cluster: ClusterId
  readonly #node: LocalNode
  readonly #services: LocalServices
  readonly #quietServices: LocalServices

  constructor(world: InitWorld) {
    const { file, environment, output } = world
    this.#world = world
    this.#cluster = clusterOf(file)
    this.#services = new LocalServices(file, environment, output)
    this.#quietServices = new LocalServices(file, environment, NO_OUTPUT)
    this.#node = new LocalNode(world, this.#services)
  }

  /** Starts the services of a primary node; waits for Consul. Rejects with a `Failure`, as all actions do. */
  async start(ctx: Context): Promise<void> {
    const self = await this.#whenReached(ctx)
    using _mutex = await this.#node.mutex(ctx)
    await this.#checkRole(ctx, self, 'start')
    await this.#services.start(ctx)
  }

  /** Stops the services of a standby node. */
  async stop(ctx: Context): Promise<void> {
    const self = await localAgent(ctx, this.#world.consul)
    using _mutex = await this.#node.mutex(ctx)
    await this.#checkRole(ctx, self, 'stop')
    await this.#services.stop(ctx)
  }

  /** Stops and starts the services of a primary node; checks don't mind meanwhile. */
  async restart(ctx: Context): Promise<void> {
    const self = await this.#whenReached(ctx)
    using _mutex = await this.#node.mutex(ctx)
    await this.#checkRole(ctx, self, 'restart')
    this.#node.setNoop(ctx, 'restart')
    try {
      await this.#services.stop(ctx)
      await this.#services.start(ctx)
    } finally {
      this.#node.liftNoop(ctx)
    }
  }

  /** Restarts the services of a primary node if any runs; a standby that rests has nothing to reload. */
  async forceReload(ctx: Context): Promise<void> {
    await this.#whenReached(ctx)
    const states = await this.#quietServices.status(ctx)
    if (states.some(({ state }) => state !== 'stopped')) await this.restart(ctx)
  }

  /** Settles with what can be told, even though Consul can't be asked; then it warns. */
  async status(ctx: Context): Promise<InitStatus> {
    const local = await this.#quietServices.status(ctx)
    try {
      const { consul, file } = this.#world
      const view = await viewCluster(ctx, consul, this.#cluster, await agentSelf(ctx, consul))
      const { cluster, runs } = await clusterHealth(ctx, view)
      const isNowhere = (!runs || hasStoppedService(view)) && local.every(({ state }) => state === 'stopped')
      const notes = [...problemsOf(view), ...(isNowhere ? [NOWHERE] : [])]
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
  handleFlag(ctx: Context, direction: Direction): Promise<void> {
    return this.#node.handleFlag(ctx, direction)
  }

  /** Makes the standby nodes primary. */
  async startPrimary(ctx: Context, { options, ...how }: StartPrimaryRequest): Promise<SwitchResult> {
    this.#checkFencing(options)
    const { world, ...rest } = await this.#switching(ctx, how)
    const fence = options.fencing === 'command' ? world.fence : undefined
    return startPrimary(ctx, { ...rest, options, world: { ...world, fence } })
  }

  /** What that would tell, line by line; nothing is changed. */
  async dryRun(ctx: Context, options: SwitchOptions) {
    this.#checkFencing(options)
    const { consul } = this.#world
    return dryRunSwitch(ctx, { consul, cluster: this.#cluster, self: await localAgent(ctx, consul), options })
  }

  /** Undoes a switch that broke off. */
  async abortSwitch(ctx: Context, how: Omit<StartPrimaryRequest, 'options'>): Promise<SwitchResult> {
    return abortSwitch(ctx, await this.#switching(ctx, how))
  }

  #checkFencing({ fencing }: SwitchOptions): void {
    if (fencing === 'command') checkFenceCommand(this.#world.file, this.#world.environment)
  }

  async #switching(ctx: Context, { timeouts, who, interruption }: Omit<StartPrimaryRequest, 'options'>) {
    const { consul, output, file, environment } = this.#world
    const self = await localAgent(ctx, consul)
    const quietly = new LocalNode(this.#world, this.#quietServices)
    const handleOwnFlag = (ctx: Context, direction: Direction) => quietly.handleFlagInSwitch(ctx, self, direction)
    const world = { output, interruption, handleOwnFlag, fence: fenceOf(file, environment) }
    return { consul, cluster: this.#cluster, self, who, timeouts, world }
  }

  /**
   * Who we are, once Consul tells us that and what stands there: after a power-up it may come later than we do, and
   * have no leader yet.
   */
  async #whenReached(ctx: Context): Promise<AgentSelf> {
    const { consul } = this.#world
    const { patienceMs } = consul.reachability
    const retry = new Retry(consul)
    const ask = (ctx: Context) =>
      retry.until(ctx, async () => {
        const self = await localAgent(ctx, consul)
        await viewCluster(ctx, consul, this.#cluster, self)
        return self
      })
    if (!Number.isFinite(patienceMs)) return ask(ctx)
    const late = () => new Failure('unavailable', `Consul tells nothing within ${formatDuration(patienceMs)}`)
    return withTimeout(ctx, patienceMs, () => retry.failure ?? late(), ask)
  }

  async #checkRole(ctx: Context, self: AgentSelf, action: 'start' | 'stop' | 'restart'): Promise<void> {
    const view = await viewCluster(ctx, this.#world.consul, this.#cluster, self)
    checkRole(action, ownRole(view), view.home.flag(self.node, 'demote').value)
  }
}
