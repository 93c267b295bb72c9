import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { afterTest } from './after-test.ts'

/** An agent for a host of its own, which is no server; it is stopped when the test is over. */
export async function startHostAgent(server: ConsulAgent, node: string): Promise<ConsulAgent> {
  const client = { server: false, bootstrap_expect: undefined, leave_on_terminate: false }
  const joins = { retry_join: [`127.0.0.1:${server.ports.serf_lan}`], retry_interval: '1s' }
  const agent = await startConsul({ mode: 'server', node, config: { ...client, ...joins } })
  afterTest(() => agent.stop())
  return agent
}
