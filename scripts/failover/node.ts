import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConsulAgent, startConsul } from '../agent.ts'
import { FaultProxy } from '../chaos/fault-proxy.ts'
import { freePorts } from '../ports.ts'
import type { App } from './app.ts'
import { LeaderProcess } from './leader-process.ts'

/** What a node is made of. */
export interface NodeOptions {
  readonly name: string
  readonly service: string
  readonly dir: string
  /** The loopback address that all of it is on. */
  readonly address: string
  /** `host:port` of the servers' gossip. */
  readonly join: readonly string[]
  readonly consul: Record<string, unknown>
  readonly locker: string
  readonly app: App
  /** Lines put behind the configuration's own. */
  readonly extra: readonly string[]
  /** Words in front of the leader agent's. */
  readonly through: readonly string[]
}

/** What can be hurt on a node: the application, the leader agent, the Consul agent. */
export type Part = 'app' | 'leader' | 'consul'

/** A machine in small: a Consul agent, an application, the leader agent, and a proxy between it and its Consul agent. */
export class LabNode {
  readonly name: string
  readonly app: App
  readonly agent: ConsulAgent
  readonly proxy: FaultProxy
  readonly leader: LeaderProcess
  /** `http://host:port` of the leader agent. */
  readonly api: string
  readonly file: string
  /** The executable under test. */
  readonly locker: string
  /** What commands of ours need in their environment on this node. */
  readonly env: NodeJS.ProcessEnv
  readonly #hurt = new Map<Part, NodeJS.Signals>()

  private constructor(options: NodeOptions, agent: ConsulAgent, proxy: FaultProxy, apiPort: number) {
    const { name, service, dir, address, app, locker, extra, through } = options
    this.name = name
    this.app = app
    this.agent = agent
    this.locker = locker
    this.proxy = proxy
    this.api = `http://${address}:${apiPort}`
    this.file = join(dir, 'app.yaml')
    this.env = { PATH: process.env.PATH, HOME: process.env.HOME, ...app.env, CONSUL_HTTP_ADDR: proxy.address }
    const lines = [`name: ${service}`, `port: ${app.port}`, `address: ${app.address}`, `api: ${address}:${apiPort}`]
    writeFileSync(this.file, [...lines, app.yaml.trim(), ...extra, ''].join('\n'))
    this.leader = new LeaderProcess({ locker, file: this.file, log: join(dir, 'leader.log'), env: this.env, through })
  }

  /** Starts its Consul agent and its proxy; the application and the leader agent are started by `start()`. */
  static async prepare(options: NodeOptions, cleanUp: AsyncDisposableStack): Promise<LabNode> {
    const { name, dir, address, join: servers, app } = options
    mkdirSync(dir, { recursive: true })
    const agent = await startConsul({
      mode: 'server',
      bind: address,
      node: name,
      ports: { serf_wan: -1 },
      config: {
        server: false,
        bootstrap_expect: undefined,
        leave_on_terminate: false,
        retry_join: servers,
        ...options.consul,
      },
    })
    cleanUp.defer(() => agent.stop())
    const proxy = await FaultProxy.start(agent.address, address)
    cleanUp.use(proxy)
    const { http: apiPort } = await freePorts({}, address)
    cleanUp.defer(() => app.stop())
    const node = new LabNode(options, agent, proxy, apiPort)
    cleanUp.defer(() => node.leader.dispose())
    return node
  }

  async start(): Promise<void> {
    await this.app.start()
    this.leader.start()
  }

  /** Sends a signal to one of its parts. `mend` repairs what that did. */
  hurt(part: Part, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGTERM'): void {
    this.#hurt.set(part, signal)
    if (part === 'consul') this.agent.kill(signal)
    else this[part].signal(signal)
  }

  /** As a power cut: all of it is gone at once. */
  powerOff(): void {
    for (const part of ['consul', 'leader', 'app'] as const) this.hurt(part, 'SIGKILL')
  }

  /** Repairs whatever was broken, and resolves when all of it runs again. */
  async mend(): Promise<void> {
    await this.proxy.end()
    const stopped = [...this.#hurt].filter(([, signal]) => signal === 'SIGSTOP').map(([part]) => part)
    if (stopped.includes('consul')) this.agent.kill('SIGCONT')
    for (const part of ['app', 'leader'] as const) if (stopped.includes(part)) this[part].signal('SIGCONT')
    if (this.#hurt.has('consul') && !stopped.includes('consul')) await this.agent.restart()
    const leader = this.#hurt.get('leader')
    if (leader !== undefined && leader !== 'SIGSTOP') await this.leader.ended()
    this.#hurt.clear()
    await this.start()
  }
}
