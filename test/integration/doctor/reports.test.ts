import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ConsulAgent, type ConsulOptions, startConsul } from '../../../scripts/provide/agent.ts'
import { afterTest } from '../../kit/after-test.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { type Diagnosis, diagnose } from '../../kit/doctor.ts'
import { type Ended, patiently, runLocker, startLocker } from '../../kit/locker.ts'
import { scratch, uniqueName } from '../../kit/unique.ts'

const ROOT = 'root'
const ACL = { enabled: true, default_policy: 'deny', tokens: { master: ROOT, agent: ROOT } }

/** An agent whose node is in the catalog, and alive. */
async function agentWith(config: NonNullable<ConsulOptions['config']>): Promise<ConsulAgent> {
  const probe = async ({ address }: ConsulAgent) => {
    const passing = await fetch(`${address}/v1/health/state/passing`, { headers: { 'X-Consul-Token': ROOT } })
    return passing.ok && ((await passing.json()) as unknown[]).length > 0
  }
  const agent = await startConsul({ node: 'web1', config: { primary_datacenter: 'dc1', ...config }, probe })
  afterTest(() => agent.stop())
  return agent
}

/** A file with a token that may do what these rules allow. */
async function tokenFile({ address }: ConsulAgent, rules: string): Promise<string> {
  const put = async (path: string, body: object) => {
    const init = { method: 'PUT', headers: { 'X-Consul-Token': ROOT }, body: JSON.stringify(body) }
    return (await (await fetch(`${address}/v1/acl/${path}`, init)).json()) as { SecretID: string }
  }
  await put('policy', { Name: 'reported', Rules: rules })
  const file = join(scratch(), 'token')
  writeFileSync(file, (await put('token', { Policies: [{ Name: 'reported' }] })).SecretID, { mode: 0o600 })
  return file
}

/** What a run meets, and what doctor says to that. */
async function both({ address }: ConsulAgent, options: string[] = []): Promise<[Ended, Diagnosis]> {
  const run = await runLocker(['--no-wait', '--consul-timeout', '1s', ...options, 'backup', 'true'], { address })
  return [run, await diagnose(address, ['backup', ...options])]
}

/** Takes up all connections that an agent grants to an address; one that it closes is opened again. */
function crowd({ address }: ConsulAgent): void {
  const { hostname, port } = new URL(address)
  let isOver = false
  const open = () => {
    if (isOver) return
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.once('close', () => setTimeout(open, 5))
    afterTest(() => socket.destroy())
  }
  afterTest(() => {
    isOver = true
  })
  for (let n = 0; n < 12; n++) open()
}

describe.concurrent('what others have reported', () => {
  test('patroni #1579, "Invalid Session TTL … must be between": the servers want longer sessions', async () => {
    const [run, { found, said }] = await both(await agentWith({ session_ttl_min: '30s' }))
    expect(run).toMatchObject({ code: 3, stderr: expect.stringContaining('Invalid Session TTL') })
    expect(found).toEqual(['CL303 failure'])
    expect(said('CL303')).toContain('session_ttl_min')
  })

  test('consul-esm #107, 403 for a session in spite of session "": that is no prefix', async () => {
    const agent = await agentWith({ acl: ACL })
    const token = await tokenFile(
      agent,
      `session "" { policy = "write" } key_prefix "" { policy = "write" } agent "web1" { policy = "read" }`,
    )
    const [run, { found, said }] = await both(agent, ['--token-file', token])
    expect(run).toMatchObject({ code: 3, stderr: expect.stringContaining('Permission denied') })
    expect(found).toEqual(['CL401 failure'])
    expect(said('CL401')).toContain('session "web1" { policy = "write" }')
  })

  test('terraform #19963, 403 for a lock in spite of a session rule: the key needs one, too', async () => {
    const agent = await agentWith({ acl: ACL })
    const token = await tokenFile(
      agent,
      `session_prefix "" { policy = "write" } key_prefix "" { policy = "read" } agent "web1" { policy = "read" }`,
    )
    const [run, { exit, found, said }] = await both(agent, ['--token-file', token])
    expect(run).toMatchObject({ code: 3, stderr: expect.stringContaining('Permission denied') })
    expect([exit, found]).toEqual([1, ['CL402 failure', 'CL403 warning', 'CL404 warning']])
    expect(said('CL402')).toContain('key "consul-locker-backup" { policy = "write" }')
  })

  test('resec #69, "Check \'serfHealth\' is in critical state": the others do not reach the agent', async () => {
    const agent = await agentWith({})
    const Check = { Node: 'web1', CheckID: 'serfHealth', Name: 'Serf Health Status', Status: 'critical' }
    const body = JSON.stringify({ Node: 'web1', Address: '127.0.0.1', SkipNodeUpdate: true, Check })
    expect((await new ConsulClient(agent.address).request('PUT', '/catalog/register', body)).ok).toBe(true)
    const { found, said } = await diagnose(agent.address, ['backup'])
    expect(found).toEqual(['CL302 failure'])
    expect(said('CL302')).toContain('8301')
  })

  test('consul #7527 and nomad #10584, connections that are closed or answered 429: too many from one address', async () => {
    const agent = await agentWith({ limits: { http_max_conns_per_client: 8 } })
    crowd(agent)
    const [run, { exit, found, said }] = await both(agent)
    expect(run.code).toBe(3)
    expect([exit, found]).toEqual([1, [expect.stringMatching(/^CL10[35] failure$/)]])
    expect(said(found[0]?.slice(0, 5) ?? '')).toContain('http_max_conns_per_client')
  })

  test('consul #21518, a session that a restart of the agent ends: it leaves when it is told to end', async () => {
    const server = await agentWith({})
    const joins = { retry_join: [`127.0.0.1:${server.ports.serf_lan}`], retry_interval: '1s' }
    const client = await startConsul({
      mode: 'server',
      node: 'web9',
      config: { server: false, bootstrap_expect: undefined, ...joins },
    })
    afterTest(() => client.stop())
    const { exit, found, said } = await diagnose(client.address)
    expect([exit, found]).toEqual([0, ['CL304 warning']])
    expect(said('CL304')).toContain('"leave_on_terminate": false')
    const name = uniqueName('left')
    const holder = startLocker([name, 'sleep', '60'], { address: client.address })
    const consul = new ConsulClient(server.address)
    await consul.holder(`consul-locker-${name}`)
    client.kill('SIGTERM')
    const isEnded = async () => (await consul.sessions(name)).length === 0
    await patiently(isEnded, () => 'the session lives on')
    expect(await holder.ends()).toMatchObject({ code: 6 })
  })
})
