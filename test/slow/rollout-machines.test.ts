import { expect, onTestFinished, test, vi } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { Fleet, type FleetOptions } from '../kit/fleet.ts'
import { mayHaveMachines } from '../kit/fresh-machine.ts'
import { startHostAgent } from '../kit/host-agent.ts'

vi.setConfig({ testTimeout: 1_200_000 })

const HOSTS = Array.from({ length: 12 }, (_, n) => `web${n + 1}`)
const PATIENCE_MS = 600_000
/** Most steps of either story only wait, and twelve each second would have a processor for themselves. */
const CRON_MS = 2000

/** Twelve hosts, each with an agent of its own. */
async function openFleet(options: Omit<FleetOptions, 'hosts' | 'agentOf' | 'cronMs'>) {
  const server = await startConsul({ mode: 'dev', node: 'server' })
  onTestFinished(() => server.stop())
  const agents = new Map<string, ConsulAgent>()
  for (const host of HOSTS) agents.set(host, await startHostAgent(server, host))
  const agentOf = (host: string) => agents.get(host) as ConsulAgent
  const all = {
    hosts: HOSTS,
    patienceMs: PATIENCE_MS,
    cronMs: CRON_MS,
    ...options,
    agentOf: (host: string) => agentOf(host).address,
  }
  return { fleet: new Fleet(server.address, all), agentOf }
}

test('a version that kills its machine kills one of twelve, and Consul needs nobody to find that out', async () => {
  const { fleet, agentOf } = await openFleet({ file: 'limits: {cluster: 1}' })
  const { dead, others } = await fleet.meetsLethalVersion((dead) => agentOf(dead).kill('SIGKILL'))
  expect(fleet.witnessed.map(({ host }) => host)).toEqual([dead])
  const status = await fleet.ask('status')
  expect(status).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(new RegExp(`^failed +${dead}: its upgrade`, 'm')),
  })

  fleet.mark('lethal-V2', false)
  expect(await fleet.ask('forget', dead)).toMatchObject({ code: 0 })
  await fleet.until('all others run it', () => others.every((host) => fleet.isAt(host, 'V2')))
  await agentOf(dead).restart()
  fleet.powerOn(dead)
  await fleet.until('the dead one is back, and finishes', () => fleet.isAt(dead, 'V2'))
  await fleet.until('all is well', async () => (await fleet.ask('status')).code === 0)
  expect(Math.max(...fleet.witnessed.map(({ count }) => count))).toBe(1)
})

test.runIf(mayHaveMachines)(
  'twelve machines that reboot, their agents with them: never more than two are down, and each upgrades once',
  async () => {
    const agents: { of?: (host: string) => ConsulAgent } = {}
    const { fleet, agentOf } = await openFleet({
      file: `limits: {cluster: 17%}
reboot: {always: true, command: "true", within: 10m}`,
      reboots: true,
      whileDown: async (host) => {
        agents.of?.(host).kill('SIGKILL')
        await agents.of?.(host).restart()
      },
    })
    agents.of = agentOf
    await fleet.runs('V1')
    await fleet.ask('trigger', 'V2')
    fleet.start()
    await fleet.until('all run V2', () => HOSTS.every((host) => fleet.isAt(host, 'V2')))
    await fleet.until('all is well', async () => (await fleet.ask('status')).code === 0)
    expect(fleet.mostDown).toBe(2)
    expect(HOSTS.map((host) => fleet.begun(host))).toEqual(HOSTS.map(() => 1))
    const response = await fleet.consul.request('GET', '/kv/consul-locker-rollout/?keys')
    expect(response.status).toBe(404)
  },
)
