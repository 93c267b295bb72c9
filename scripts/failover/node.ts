import { mkdirSync } from 'node:fs'
import { type ConsulAgent, startConsul } from '../provide/agent.ts'
import { FaultProxy } from '../provide/fault-proxy.ts'
import type { App } from './app.ts'
import { Keeper } from './keeper.ts'
import type { NodePlace } from './node-place.ts'
import type { Member, Parts, System } from './system.ts'

/** What a node is made of. */
export interface NodeOptions {
  readonly system: System
  readonly place: Omit<NodePlace, 'consul'>
  /** `host:port` of the servers' gossip. */
  readonly join: readonly string[]
  /** Consul settings. */
  readonly consul: Record<string, unknown>
}

/** What can be hurt on a node: the application, what keeps it the master or not, the Consul agent. */
export type Part = 'app' | 'keeper' | 'consul'

/** A machine in small: a Consul agent, an application, its keeper, and a proxy between that and the Consul agent. */
export class LabNode implements Member {
  readonly name: string
  readonly place: NodePlace
  readonly app: App
  readonly agent: ConsulAgent
  readonly proxy: FaultProxy
  readonly keeper: Keeper
  /** `http://host:port` of the keeper. */
  readonly api: string
  readonly #system: System
  readonly #hurt = new Map<Part, NodeJS.Signals>()

  private constructor(system: System, place: NodePlace, parts: Parts, agent: ConsulAgent, proxy: FaultProxy) {
    this.#system = system
    this.name = place.name
    this.place = place
    this.app = parts.app
    this.keeper = new Keeper(parts.keeper)
    this.agent = agent
    this.proxy = proxy
    this.api = `http://${place.address}:${place.apiPort}`
  }

  /** Starts its Consul agent and its proxy; the application and its keeper are started by `start()`. */
  static async prepare(options: NodeOptions, cleanUp: AsyncDisposableStack): Promise<LabNode> {
    const { name, dir, address } = options.place
    mkdirSync(dir, { recursive: true })
    const agent = await startConsul({
      mode: 'server',
      bind: address,
      node: name,
      ports: { serf_wan: -1 },
      config: { server: false, bootstrap_expect: undefined, retry_join: options.join, ...options.consul },
    })
    cleanUp.defer(() => agent.stop())
    const proxy = await FaultProxy.start(agent.address, address)
    cleanUp.use(proxy)
    const place = { ...options.place, consul: proxy.address }
    const parts = await options.system.prepare(place, cleanUp)
    cleanUp.defer(() => parts.app.stop())
    const node = new LabNode(options.system, place, parts, agent, proxy)
    cleanUp.defer(() => node.keeper.dispose())
    return node
  }

  async start(): Promise<void> {
    await this.app.start()
    this.keeper.start()
  }

  /** Sends a signal to one of its parts. `mend` repairs what that did. */
  hurt(part: Part, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGTERM'): void {
    this.#hurt.set(part, signal)
    if (part === 'consul') this.agent.kill(signal)
    else this[part].signal(signal)
  }

  /** Kills the keeper, and who would act for it then. */
  killKeeper(): void {
    const guardians = this.#system.guardians?.(this) ?? []
    this.hurt('keeper', 'SIGKILL')
    for (const pid of guardians) kill(pid)
  }

  /** As a power cut: all of it is gone at once. */
  powerOff(): void {
    this.killKeeper()
    for (const part of ['consul', 'app'] as const) this.hurt(part, 'SIGKILL')
  }

  /** Repairs whatever was broken, and resolves when all of it runs again. */
  async mend(): Promise<void> {
    await this.proxy.end()
    const stopped = [...this.#hurt].filter(([, signal]) => signal === 'SIGSTOP').map(([part]) => part)
    if (stopped.includes('consul')) this.agent.kill('SIGCONT')
    for (const part of ['app', 'keeper'] as const) if (stopped.includes(part)) this[part].signal('SIGCONT')
    if (this.#hurt.has('consul') && !stopped.includes('consul')) await this.agent.restart()
    const keeper = this.#hurt.get('keeper')
    if (keeper !== undefined && keeper !== 'SIGSTOP') await this.keeper.ended()
    this.#hurt.clear()
    await this.start()
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended with the others.
  }
}
