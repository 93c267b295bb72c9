import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { QUICK_ELECTIONS } from '../../scripts/provide/agent-config.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { afterTest } from './after-test.ts'
import { ConsulClient } from './consul-client.ts'
import { type Ended, patiently, type Running, runLocker } from './locker.ts'
import { Toy } from './toy-application.ts'
import { scratch, uniqueName } from './unique.ts'

const FAST_GOSSIP = { probe_interval: '200ms', probe_timeout: '150ms', gossip_interval: '50ms', suspicion_mult: 2 }

/** A node with a Consul agent, a toy application, and an agent of ours once it is started. */
export interface LeaderNode {
  readonly name: string
  readonly consul: ConsulAgent
  readonly toy: Toy
  running: Running | undefined
}

/** Nodes that share one application; the first one's Consul agent is the server. All of it ends with the test. */
export class LeaderCluster {
  readonly name: string
  readonly nodes: readonly LeaderNode[]

  private constructor(name: string, nodes: readonly LeaderNode[]) {
    this.name = name
    this.nodes = nodes
  }

  static async start(count: number, keys: Readonly<Record<string, unknown>> = {}): Promise<LeaderCluster> {
    const name = uniqueName('toy')
    const nodes: LeaderNode[] = []
    const seed = await freePorts()
    for (let number = 1; number <= count; number++) {
      const node = `n${number}`
      const consul = await startConsul({
        mode: 'server',
        dataDir: scratch(),
        node,
        ports: number === 1 ? seed : await freePorts(),
        config: {
          gossip_lan: FAST_GOSSIP,
          leave_on_terminate: false,
          ...(number === 1
            ? { performance: QUICK_ELECTIONS }
            : {
                server: false,
                bootstrap_expect: undefined,
                retry_join: [`127.0.0.1:${seed.serf_lan}`],
                retry_interval: '1s',
              }),
        },
      })
      afterTest(() => consul.stop())
      const toy = await Toy.make(name)
      toy.configure({ ready_to_lead: [`${toy.dir}/toy.sh`, 'ready'], ...keys })
      nodes.push({ name: node, consul, toy, running: undefined })
    }
    return new LeaderCluster(name, nodes)
  }

  get consul(): ConsulClient {
    return new ConsulClient(this.#first.consul.address)
  }

  node(name: string): LeaderNode {
    const found = this.nodes.find((node) => node.name === name)
    if (!found) throw new Error(`there is no ${name}`)
    return found
  }

  /** Starts a node's agent, with an application that has so much; waits until it plays this role. */
  async run(name: string, position: number, role: string): Promise<LeaderNode> {
    const node = this.node(name)
    node.toy.set('position', String(position))
    node.running = node.toy.start(node.consul.address)
    await node.toy.plays(role)
    return node
  }

  /** Waits until Consul knows so many candidates. */
  async candidates(count: number): Promise<void> {
    let last = ''
    const look = async () => {
      last = (await this.operate('members', '--json')).stdout
      return (
        (JSON.parse(last || '[]') as { candidate: boolean }[]).filter(({ candidate }) => candidate).length === count
      )
    }
    await patiently(look, () => `there are not ${count} candidates: ${last}`)
  }

  /** An operator's `consul-locker leader WORD NAME …`. */
  operate(word: string, ...more: readonly string[]): Promise<Ended> {
    return runLocker(['leader', word, this.name, ...more], { address: this.#first.consul.address })
  }

  get #first(): LeaderNode {
    return this.node('n1')
  }
}
