import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ConsulAgent, startConsul } from '../provide/agent.ts'
import { QUICK_ELECTIONS } from '../provide/agent-config.ts'
import { startGroupReaper } from '../provide/group-reaper.ts'
import { freePorts } from '../provide/ports.ts'
import { ClusterObserver } from './cluster-observer.ts'
import { LabNode } from './node.ts'
import type { FailoverCluster, System } from './system.ts'

/** What a lab is made of. */
export interface LabOptions {
  readonly system: System
  /** How many nodes; three by default. */
  readonly nodes?: number
  /** How many Consul servers; one by default. */
  readonly servers?: number
  /** Consul elects, notices failures and ends within some seconds; otherwise all of its timing is its own default. */
  readonly quick?: boolean
  /** Leaves the directory with configurations, data and logs where it is. */
  readonly keep?: boolean
}

const QUICK = {
  performance: QUICK_ELECTIONS,
  leave_on_terminate: false,
  gossip_lan: { probe_interval: '500ms', probe_timeout: '400ms', gossip_interval: '50ms', suspicion_mult: 3 },
}
const STEADY_LIMIT_MS = 120_000
const LOOK_MS = 250

/** Three machines with one application, a Consul that they share, and somebody who watches. */
export class Lab implements FailoverCluster {
  readonly dir: string
  readonly system: System
  readonly servers: readonly ConsulAgent[]
  readonly nodes: readonly LabNode[]
  readonly observer: ClusterObserver

  private constructor(dir: string, system: System, servers: readonly ConsulAgent[], nodes: readonly LabNode[]) {
    this.dir = dir
    this.system = system
    this.servers = servers
    this.nodes = nodes
    this.observer = new ClusterObserver(system, this)
  }

  /** Starts Consul and prepares the nodes; nothing of them runs yet but their Consul agents. */
  static async open(options: LabOptions, cleanUp: AsyncDisposableStack): Promise<Lab> {
    const { system } = options
    const dir = mkdtempSync(join(tmpdir(), 'consul-locker-lab-'))
    if (!options.keep) cleanUp.defer(startGroupReaper(dir).dismiss)
    const net = `127.${130 + ((process.pid >> 8) % 64)}.${process.pid % 256}`
    const consul = options.quick ? QUICK : {}
    const { servers, gossipAt } = await startServers(net, options.servers ?? 1, consul, cleanUp)
    const first = `${net}.21`
    const { http: port, dns: apiPort } = await freePorts({}, first)
    const preparing = Array.from({ length: options.nodes ?? 3 }, (_, n) => {
      const name = `node${n + 1}`
      const place = { name, dir: join(dir, name), address: `${net}.${21 + n}`, port, apiPort, first }
      return LabNode.prepare({ system, place, join: gossipAt, consul }, cleanUp)
    })
    await Promise.allSettled(preparing)
    const lab = new Lab(dir, system, servers, await Promise.all(preparing))
    cleanUp.use(lab.observer)
    return lab
  }

  /** The address of a Consul server. */
  get server(): string {
    return (this.servers[0] as ConsulAgent).address
  }

  node(name: string): LabNode {
    const found = this.nodes.find((node) => node.name === name)
    if (!found) throw new Error(`there is no node ${name}`)
    return found
  }

  /** Starts all nodes. */
  async start(): Promise<void> {
    for (const node of this.nodes) await node.start()
  }

  /** Waits until one node is master and all others may become it, with nothing to catch up, and gives the master. */
  async steady(signal?: AbortSignal): Promise<LabNode> {
    const end = performance.now() + STEADY_LIMIT_MS
    for (;;) {
      signal?.throwIfAborted()
      // As a supervisor does, for those that were fenced, or have ended.
      for (const node of this.nodes) await node.start().catch(() => {})
      const master = await this.system.steadyMaster(this).catch(() => undefined)
      if (master !== undefined) return this.node(master)
      if (performance.now() > end) throw new Error(`no steady cluster after ${STEADY_LIMIT_MS / 1000} s`)
      await delay(LOOK_MS, undefined, { signal })
    }
  }
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
      config: { bootstrap_expect: count, retry_join: gossipAt, retry_interval: '1s', ...config },
    })
    cleanUp.defer(() => server.stop())
    return server
  })
  await Promise.allSettled(starting)
  return { servers: await Promise.all(starting), gossipAt }
}
