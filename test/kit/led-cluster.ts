import { expect } from 'vitest'
import { LeaderCluster, type LeaderNode } from './leader-cluster.ts'
import { patiently } from './locker.ts'

/** One of an application's real servers, from outside. */
export interface LedServer {
  /** What an agent's file says of it. */
  readonly keys: Readonly<Record<string, unknown>>
  /** In what environment an agent finds its programs. */
  readonly env?: NodeJS.ProcessEnv
  /** Rejects unless the server takes it. */
  write(word: string): Promise<unknown>
  /** All that was written, in alphabetical order. */
  words(): Promise<readonly string[]>
  /** Ends it as a power cut does, for good until `start`. */
  kill(): Promise<unknown>
  /** Nothing happens to one that runs. */
  start(): Promise<unknown>
}

const COMMANDS = ['health', 'ensure_master', 'ensure_slave', 'demote', 'fence', 'ready_to_lead']
const NO_COMMANDS = Object.fromEntries(COMMANDS.map((key) => [key, undefined]))

/** Nodes `n1`, `n2` …, each with a real server that an agent of ours keeps by its handler. It ends with its test. */
export class LedCluster {
  readonly cluster: LeaderCluster
  readonly #servers: readonly LedServer[]

  private constructor(cluster: LeaderCluster, servers: readonly LedServer[]) {
    this.cluster = cluster
    this.#servers = servers
  }

  static async start(...servers: readonly LedServer[]): Promise<LedCluster> {
    return new LedCluster(await LeaderCluster.start(servers.length), servers)
  }

  /** The server of a node. */
  server(name: string): LedServer {
    const server = this.#servers[Number(name.slice(1)) - 1]
    if (!server) throw new Error(`there is no ${name}`)
    return server
  }

  /** Starts a node's server and its agent. */
  async run(name: string): Promise<LeaderNode> {
    const node = this.cluster.node(name)
    const { keys, env } = this.server(name)
    await this.server(name).start()
    node.toy.configure({ ...NO_COMMANDS, ...keys })
    node.running = node.toy.start(node.consul.address, env)
    return node
  }

  /** Starts all of them: `n1` is master then, and the others follow. */
  async runAll(): Promise<void> {
    for (const [at] of this.#servers.entries()) {
      await this.run(`n${at + 1}`)
      await this.plays(`n${at + 1}`, at === 0 ? 'master' : 'slave')
    }
    await this.isWhole()
  }

  /** Has a node's agent end in good order. */
  async end(name: string): Promise<void> {
    const { running } = this.cluster.node(name)
    running?.kill('SIGTERM')
    expect(await running?.ends()).toMatchObject({ code: 0 })
  }

  /** Waits until a node's agent says that it plays this role; a server that was fenced is started, as systemd does. */
  async plays(name: string, role: string): Promise<void> {
    const { toy, running } = this.cluster.node(name)
    let last = ''
    const look = async () => {
      await this.server(name).start()
      last = await toy.get('/role').then(({ text }) => text.trim(), String)
      return last === JSON.stringify(role)
    }
    await patiently(look, () => `the role of ${name} is ${last}, not ${role}: ${running?.stderr}`)
  }

  /** Waits until all but the master may be the next. */
  async isWhole(): Promise<void> {
    let last = ''
    const look = async () => {
      for (const server of this.#servers) await server.start()
      last = (await this.cluster.operate('members', '--json')).stdout
      const members = JSON.parse(last || '[]') as { candidate: boolean }[]
      return members.filter(({ candidate }) => candidate).length === this.#servers.length - 1
    }
    await patiently(look, () => `the cluster is not whole: ${last}`)
  }

  /** Waits until a node's server has just these words. */
  async has(name: string, ...words: readonly string[]): Promise<void> {
    let last = ''
    const look = async () => {
      last = await this.server(name)
        .words()
        .then((found) => found.join(), String)
      return last === words.join()
    }
    await patiently(look, () => `${name} has ${last}, and not ${words}: ${this.cluster.node(name).running?.stderr}`)
  }

  /** Waits until Consul shows a node's application as healthy. */
  async healthy(name: string): Promise<void> {
    let last = ''
    const look = async () => {
      last = (await this.cluster.operate('members', '--json')).stdout
      const members = JSON.parse(last || '[]') as { node: string; health: string }[]
      return members.some(({ node, health }) => node === name && health === 'passing')
    }
    await patiently(look, () => `${name} is not healthy: ${last} ${this.cluster.node(name).running?.stderr}`)
  }

  /** The nodes that Consul gives to who asks for the master. */
  async masters(): Promise<string[]> {
    const { consul, name } = this.cluster
    const response = await consul.request('GET', `/health/service/${name}?passing&tag=master`)
    return ((await response.json()) as { Node: { Node: string } }[]).map(({ Node }) => Node.Node)
  }
}
