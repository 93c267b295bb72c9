import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createListener } from 'node:net'
import { describe, expect, inject, test } from 'vitest'
import { type ConsulOptions, startConsul } from '../../../scripts/provide/agent.ts'
import { afterTest } from '../../kit/after-test.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { type Diagnosis, diagnose } from '../../kit/doctor.ts'
import { startLiar } from '../../kit/liar.ts'
import { patiently } from '../../kit/locker.ts'
import { startProxy } from '../../kit/proxy.ts'

async function agentWith(options: ConsulOptions) {
  const agent = await startConsul(options)
  afterTest(() => agent.stop())
  return agent
}

/** An agent is up when it says who it is; a leader need not be there. */
const answers: NonNullable<ConsulOptions['probe']> = async ({ address }) => (await fetch(`${address}/v1/agent/self`)).ok

/** Nor need it take every session. */
const isWell: NonNullable<ConsulOptions['probe']> = async ({ address }) =>
  ((await (await fetch(`${address}/v1/health/state/passing`)).json()) as unknown[]).length > 0

async function listening(server: ReturnType<typeof createListener>): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  afterTest(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe.concurrent('doctor', () => {
  test('finds nothing at an agent that is well, and leaves nothing untried', async () => {
    const { exit, found, lines } = await diagnose(inject('consulAddress'), ['backup'])
    expect([exit, found]).toEqual([0, []])
    expect(lines.length).toBeGreaterThan(30)
    expect(lines.filter(({ result }) => result === 'untried')).toEqual([])
  })

  test('names an agent that is down, and tries nothing that hangs on it', async () => {
    const { exit, found, lines } = await diagnose('127.0.0.1:1', ['backup'])
    expect([exit, found]).toEqual([1, ['CL102 failure']])
    const untried = lines.filter(({ result }) => result === 'untried')
    expect(untried.length).toBeGreaterThan(15)
    expect(new Set(untried.map(({ message }) => message))).toEqual(new Set(['not tried: CL102 failed']))
  })

  test('names what is no Consul', async () => {
    const server = createServer((_, response) => response.end('<html>hello</html>'))
    const { exit, found } = await diagnose(await listening(server))
    expect([exit, found]).toEqual([1, ['CL103 failure']])
  })

  test('does not wait long for an agent that says nothing', async () => {
    const silent = createListener((socket) => afterTest(() => socket.destroy()))
    const { exit, found, said } = await diagnose(await listening(silent))
    expect([exit, found]).toEqual([1, ['CL103 failure']])
    expect(said('CL103')).toContain('within 5s')
  })

  test('names servers that have no leader', async () => {
    const { address } = await agentWith({ mode: 'server', config: { bootstrap_expect: 3 }, probe: answers })
    const { exit, found, said } = await diagnose(address, ['backup'])
    expect([exit, found]).toEqual([1, ['CL104 failure']])
    expect(said('CL104')).toContain('No cluster leader')
  })

  test('names an agent that knows no server', async () => {
    const config = { server: false, bootstrap_expect: undefined }
    const { address } = await agentWith({ mode: 'server', config, probe: answers })
    const { exit, found, said } = await diagnose(address, ['backup'])
    expect([exit, found]).toEqual([1, ['CL104 failure']])
    expect(said('CL104')).toContain('retry_join')
  })

  test('names a node that is not in the catalog', async () => {
    const { address } = await agentWith({ node: 'web1' })
    const client = new ConsulClient(address)
    const body = JSON.stringify({ Node: 'web1' })
    // The agent registers it again sooner or later.
    const taken = async () => {
      expect((await client.request('PUT', '/catalog/deregister', body)).ok).toBe(true)
      const diagnosis = await diagnose(address, ['backup'])
      return diagnosis.said('CL301').includes('not in') ? diagnosis : undefined
    }
    const { exit, found, said } = (await patiently(taken, () => 'it is never missing')) as Diagnosis
    expect([exit, found]).toEqual([1, ['CL301 failure']])
    expect(said('CL301')).toContain('the node web1 is not in')
  })

  test('names a serfHealth that is critical', async () => {
    const { address } = await agentWith({ node: 'web1' })
    const Check = { Node: 'web1', CheckID: 'serfHealth', Name: 'Serf Health Status', Status: 'critical' }
    const body = JSON.stringify({ Node: 'web1', Address: '127.0.0.1', SkipNodeUpdate: true, Check })
    expect((await new ConsulClient(address).request('PUT', '/catalog/register', body)).ok).toBe(true)
    const { exit, found, said } = await diagnose(address, ['backup'])
    expect([exit, found]).toEqual([1, ['CL302 failure']])
    expect(said('CL302')).toContain('is critical')
  })

  test('names a minimum of the TTL that is too high', async () => {
    const { address } = await agentWith({ config: { session_ttl_min: '30s' }, probe: isWell })
    const { exit, found, said } = await diagnose(address, ['backup'])
    expect([exit, found]).toEqual([1, ['CL303 failure']])
    expect(said('CL303')).toContain('between 30s and 24h')
    expect((await diagnose(address, ['backup', '--ttl', '35s'])).found).toEqual([])
  })

  test('names an agent that leaves when it is stopped', async () => {
    const { address } = await agentWith({ config: { leave_on_terminate: true } })
    const { exit, found } = await diagnose(address)
    expect([exit, found]).toEqual([0, ['CL304 warning']])
  })

  test('names a low limit of connections, and gets by with it', async () => {
    const { address } = await agentWith({ config: { limits: { http_max_conns_per_client: 8 } } })
    const { exit, found, said } = await diagnose(address, ['backup'])
    expect([exit, found]).toEqual([0, ['CL109 warning']])
    expect(said('CL109')).toContain('4 waiters are the most')
  })

  test.each([
    [60, 'warning', 0],
    [-900, 'failure', 1],
  ])('names a clock that is %d s off', async (seconds, result, code) => {
    const skew = ({ date }: { date: string }) => new Date(Date.parse(date) + seconds * 1000).toUTCString()
    const { address } = await startLiar((answer) => {
      answer.date = skew(answer)
    })
    const { exit, found, said } = await diagnose(address, ['backup'])
    expect([exit, found]).toEqual([code, [`CL108 ${result}`]])
    expect(said('CL108')).toContain(seconds > 0 ? 'ahead of ours' : 'behind ours')
  })

  test('names a way to the leader that takes long', async () => {
    const { address } = await startProxy(inject('consulAddress'), { answersAfterMs: 900 })
    const { exit, lines } = await diagnose(address, ['backup'])
    expect([exit, lines.find(({ code }) => code === 'CL107')?.result]).toEqual([0, 'warning'])
  })
})
