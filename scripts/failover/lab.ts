import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ConsulAgent, startConsul } from '../agent.ts'
import { QUICK_ELECTIONS } from '../agent-config.ts'
import { freePorts } from '../ports.ts'
import { startWatchdog } from '../watchdog.ts'
import type { App } from './app.ts'
import { LabNode } from './node.ts'
import { Observer } from './observer.ts'

/** What a lab is made of. */
export interface LabOptions {
  /** The application's name, and its service's. */
  readonly service: string
  /** The executable under test. */
  readonly locker: string
  /** Makes the application of a node, which is not started yet. */
  readonly app: (place: { dir: string; address: string; port: number; name: string }) => Promise<App>
  /** How many nodes; three by default. */
  readonly nodes?: number
  /** How many Consul servers; one by default. */
  readonly servers?: number
  /** Failures are noticed within some seconds; otherwise, as Consul does it in a LAN. */
  readonly fastGossip?: boolean
  /** Further lines of the leader's configuration. */
  readonly extra?: readonly string[]
  /** Leaves the directory with configurations, data and logs where it is. */
  readonly keep?: boolean
  /** Words in front of the leader agents'. */
  readonly through?: readonly string[]
}

const FAST_GOSSIP = {
  gossip_lan: { probe_interval: '500ms', probe_timeout: '400ms', gossip_interval: '50ms', suspicion_mult: 3 },
}
const STEADY_LIMIT_MS = 120_000
const LOOK_MS = 250

/** Three machines with one application, a Consul that they share, and somebody who watches. */
export class Lab {
  readonly dir: string
  readonly service: string
  readonly servers: readonly ConsulAgent[]
  readonly nodes: readonly LabNode[]
  readonly observer: Observer

  private constructor(dir: string, options: LabOptions, servers: readonly ConsulAgent[], nodes: readonly LabNode[]) {
    this.dir = dir
    this.service = options.service
    this.servers = servers
    this.nodes = nodes
    this.observer = new Observer(this.server.address, options.service, nodes)
  }

  /** Starts Consul and prepares the nodes; nothing of them runs yet but their Consul agents. */
  static async open(options: LabOptions, cleanUp: AsyncDisposableStack): Promise<Lab> {
    const dir = mkdtempSync(join(tmpdir(), 'consul-locker-lab-'))
    if (!options.keep) cleanUp.defer(startWatchdog(dir).dismiss)
    const net = `127.${130 + ((process.pid >> 8) % 64)}.${process.pid % 256}`
    const gossip = options.fastGossip ? FAST_GOSSIP : {}
    const { servers, gossipAt } = await startServers(net, options.servers ?? 1, gossip, cleanUp)
    const { http: port } = await freePorts({}, `${net}.21`)
    const preparing = Array.from({ length: options.nodes ?? 3 }, async (_, n) => {
      const name = `node${n + 1}`
      const place = { name, dir: join(dir, name), address: `${net}.${21 + n}` }
      const app = await options.app({ ...place, dir: join(dir, name, 'app'), port })
      const { service, locker, extra = [], through = [] } = options
      const node = { ...place, service, locker, extra, through, app, join: gossipAt, consul: { ...gossip } }
      return LabNode.prepare(node, cleanUp)
    })
    await Promise.allSettled(preparing)
    const lab = new Lab(dir, options, servers, await Promise.all(preparing))
    cleanUp.use(lab.observer)
    return lab
  }

  /** A Consul server. */
  get server(): ConsulAgent {
    return this.servers[0] as ConsulAgent
  }

  node(name: string): LabNode {
    const found = this.nodes.find((node) => node.name === name)
    if (!found) throw new Error(`there is no node ${name}`)
    return found
  }

  /** The roles by node, as the catalog has them, of those that pass. */
  async roles(): Promise<Record<string, string>> {
    const entries = await this.#entries()
    return Object.fromEntries(entries.map(({ Node, Service }) => [Node.Node, Service.Tags.join()]))
  }

  async #entries(): Promise<ServiceEntry[]> {
    const response = await fetch(`${this.server.address}/v1/health/service/${this.service}?passing`)
    return (await response.json()) as ServiceEntry[]
  }

  /** Waits until one node is master and all others are candidates with nothing to catch up, and gives the master. */
  async steady(signal?: AbortSignal): Promise<LabNode> {
    const end = performance.now() + STEADY_LIMIT_MS
    for (;;) {
      signal?.throwIfAborted()
      // As a supervisor does, for those that were fenced.
      for (const { app } of this.nodes) await app.start().catch(() => {})
      const master = await this.#steadyMaster().catch(() => undefined)
      if (master) return master
      if (performance.now() > end) throw new Error(`no steady cluster: ${JSON.stringify(await this.roles())}`)
      await delay(LOOK_MS)
    }
  }

  async #steadyMaster(): Promise<LabNode | undefined> {
    const entries = await this.#entries()
    const those = (fits: (entry: ServiceEntry) => boolean) =>
      entries.filter(fits).map(({ Node }) => this.node(Node.Node))
    const masters = those(({ Service }) => Service.Tags.includes('master'))
    const slaves = those(({ Service }) => Service.Tags.includes('slave') && Service.Meta.candidate === 'true')
    const [master] = masters
    if (masters.length !== 1 || slaves.length !== this.nodes.length - 1) return undefined
    const caughtUp = await Promise.all(slaves.map(({ app }) => app.follows()))
    return caughtUp.every(Boolean) ? master : undefined
  }
}

interface ServiceEntry {
  readonly Node: { readonly Node: string }
  readonly Service: { readonly Tags: readonly string[]; readonly Meta: Readonly<Record<string, string>> }
}

async function startServers(
  net: string,
  count: number,
  config: Record<string, unknown>,
  cleanUp: AsyncDisposableStack,
): Promise<{ servers: ConsulAgent[]; gossipAt: string[] }> {
  const hosts = Array.from({ length: count }, (_, n) => `${net}.${11 + n}`)
  const places = await Promise.all(
    hosts.map(async (bind) => ({ bind, ports: await freePorts({ serf_wan: -1 }, bind) })),
  )
  const gossipAt = places.map(({ bind, ports }) => `${bind}:${ports.serf_lan}`)
  const starting = places.map(async ({ bind, ports }, n) => {
    const server = await startConsul({
      mode: 'server',
      bind,
      ports,
      node: `server${n + 1}`,
      config: {
        bootstrap_expect: count,
        retry_join: gossipAt,
        retry_interval: '1s',
        performance: QUICK_ELECTIONS,
        ...config,
      },
    })
    cleanUp.defer(() => server.stop())
    return server
  })
  await Promise.allSettled(starting)
  return { servers: await Promise.all(starting), gossipAt }
}
