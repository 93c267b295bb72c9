import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Ended, patiently, runLocker, startLocker } from './locker.ts'
import { startProxy } from './proxy.ts'
import { ServiceNode } from './service-node.ts'

const KEY = 'cluster/production/myserviceConsulName'
const PATIENCE_MS = 150_000
const BOTH = ['apache2', 'mysql']

/** The changes that a switch of one primary and one standby makes, in their order. */
export const CHANGES = ['record', 'raise promote', 'raise demote', 'swap', 'clear demote', 'clear promote', 'forget']

/** Consul's own settings, which tests have otherwise quickened: an election takes some 10 to 20 s. */
const OWN_TIMING = { performance: undefined, leave_on_terminate: undefined }

/** Two nodes and three servers with Consul's own timing. */
export class SwitchLab {
  readonly servers: ServiceNode[] = []
  node1!: ServiceNode
  node2!: ServiceNode

  async start(): Promise<void> {
    const server = async (name: string, join?: number) => {
      const config = join === undefined ? OWN_TIMING : { ...OWN_TIMING, bootstrap_expect: undefined }
      const seed = join === undefined ? {} : { join }
      this.servers.push(await ServiceNode.start({ name, server: true, config, ...seed }))
    }
    await server('server1')
    const [first] = this.servers
    const join = first?.agent.ports.serf_lan ?? 0
    await server('server2', join)
    await server('server3', join)
    const node = (name: string) => ServiceNode.start({ name, join, watches: true, config: OWN_TIMING })
    ;[this.node1, this.node2] = await Promise.all([node('node1'), node('node2')])
    await this.#vote()
  }

  async stop(): Promise<void> {
    for (const node of [this.node2, this.node1, ...this.servers]) await node?.stop()
  }

  init(node: ServiceNode, ...args: string[]): Promise<Ended> {
    return runLocker(['init', node.script, ...args], { address: node.agent.address })
  }

  /** node1 is primary, and runs. */
  async begin(): Promise<void> {
    const { consul } = this.node2
    await consul.request('DELETE', '/kv/service/myserviceConsulName?recurse')
    await this.setRoles('{"active_nodes": ["node1"], "standby_nodes": ["node2"]}')
    for (const node of [this.node1, this.node2]) await node.stopServices()
    expect(await this.init(this.node1, 'start')).toMatchObject({ code: 0 })
  }

  async setRoles(text: string): Promise<void> {
    await this.node2.consul.request('PUT', `/kv/${KEY}`, text)
  }

  async roles(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.node2.consul.value(KEY))
  }

  /**
   * Switches from node1 to node2; `incident` happens when so many changes have been made, and the last isn't known yet.
   */
  async switchWith(count: number, incident: () => Promise<unknown>, ...args: string[]): Promise<Ended> {
    const { address, hold } = await startProxy(this.node2.agent.address)
    const held = CHANGES.slice(0, count).map(() => hold(/^PUT \/v1\/txn\?dc=/)) // The lock's own names no datacenter.
    const last = held.pop()
    for (const { release } of held) release()
    const running = startLocker(['init', this.node2.script, 'start-primary', '--http-addr', address, ...args])
    await last?.arrived
    await incident()
    last?.release()
    // An election, and the watches of agents that look for the new leader at growing intervals.
    for (const start = performance.now(); !running.hasEnded && performance.now() - start < PATIENCE_MS; ) {
      await delay(100)
    }
    return running.ends()
  }

  /** Ends the server that leads; the others take some time to notice. */
  async killLeader(): Promise<void> {
    const leader = await this.#leader()
    leader.agent.kill('SIGKILL')
    await leader.agent.exited()
  }

  /** Brings all servers back. */
  async heal(): Promise<void> {
    for (const { agent } of this.servers) if (!isRunning(agent.pid)) await agent.restart()
    await this.#vote()
  }

  /** Waits until all servers have a vote: a newcomer gets it after 10 s, and without it there is no election. */
  async #vote(): Promise<void> {
    const look = async () => {
      const reply = await this.node2.consul.request('GET', '/operator/raft/configuration')
      const { Servers } = (await reply.json()) as { Servers: { Voter: boolean }[] }
      return Servers.length === this.servers.length && Servers.every(({ Voter }) => Voter)
    }
    await patiently(
      () => look().catch(() => false),
      () => 'not all servers have a vote',
    )
  }

  async #leader(): Promise<ServiceNode> {
    const leader = await (await this.node2.consul.request('GET', '/status/leader')).json()
    const found = this.servers.find(({ agent }) => `127.0.0.1:${agent.ports.server}` === leader)
    if (!found) throw new Error(`no server leads: ${leader}`)
    return found
  }

  /** node2 has taken over, and nothing is left of the switch. */
  async isSwitched(): Promise<void> {
    expect([this.node1.running, this.node2.running]).toEqual([[], BOTH])
    expect(await this.#leftover()).toBeUndefined()
  }

  /** node1 is primary as before, and nothing is left of the switch. */
  async isUndone(): Promise<void> {
    expect([this.node1.running, this.node2.running]).toEqual([BOTH, []])
    expect(await this.#leftover()).toBeUndefined()
  }

  #leftover(): Promise<unknown> {
    return this.node2.consul.entry('service/myserviceConsulName/switch')
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
