import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { crowd } from '../kit/connection-crowd.ts'
import { leaderKey, master, services } from '../kit/leader.ts'
import { patiently } from '../kit/locker.ts'
import { client } from '../kit/shared-consul.ts'

interface Check {
  readonly CheckID: string
  readonly Status: string
  readonly Output: string
}

async function checkOf(name: string): Promise<Check | undefined> {
  const checks = (await (await client.request('GET', '/agent/checks')).json()) as Record<string, Check>
  return checks[`service:${name}`]
}

describe('a stranger on the machine', () => {
  test('who holds three hundred connections open takes no master out of Consul, and keeps nobody out', async () => {
    const { toy, agent } = await master()
    await crowd(toy.api, 300)
    await agent.says(/warn: too many connections, the last one from 127\.0\.0\.0\/8/)
    expect(await toy.get('/master')).toMatchObject({ status: 200 })
    // What the application says now can have come to Consul only after all that.
    toy.set('cores', '5')
    const reported = async () => (await checkOf(toy.name))?.Output === 'toy operating with 5 cores'
    await patiently(reported, () => 'Consul is not told of its health')
    expect(await checkOf(toy.name)).toMatchObject({ Status: 'passing' })
    const passing = await client.request('GET', `/health/service/${toy.name}?passing&tag=master`)
    expect(await passing.json()).toHaveLength(1)
    toy.set('sick')
    await patiently(
      async () => (await checkOf(toy.name))?.Status === 'critical',
      () => 'Consul is not told that it is sick',
    )
    expect((await checkOf(toy.name))?.Output).toBe('sick: disk on fire')
  })

  test('who answers where a killed agent did does not keep its service in Consul', async () => {
    const { toy, agent } = await master()
    toy.set('slow-demote', '2')
    agent.kill('SIGKILL')
    await agent.ends()
    const squatter = createServer((_, response) => response.end('"here"'))
    const [host = '', port = ''] = toy.api.split(':')
    squatter.listen(Number(port), host)
    await once(squatter, 'listening')
    onTestFinished(() => {
      squatter.close()
      squatter.closeAllConnections()
    })
    await toy.becomes('demote')
    await patiently(
      async () => (await services(toy)).length === 0,
      () => 'its service is still in Consul',
    )
  })

  test.each([
    ['writes garbage over', (key: string) => client.request('PUT', `/kv/${key}`, '\0garbage')],
    ['deletes', (key: string) => client.deleteKey(key)],
  ])('who %s the key of a master takes it away from neither its slaves nor operators', async (_, harm) => {
    const { toy, agent } = await master()
    const isKnown = async () => (await client.value(leaderKey(toy)).catch(String)).includes('"promoted":true')
    await patiently(isKnown, () => 'it was never announced')
    await harm(leaderKey(toy))
    await agent.says(/warn: the key lock\/.*\/leader didn't say that .* is master; wrote it again/)
    await patiently(isKnown, () => `nobody can know who is master: ${agent.stderr}`)
    expect(await toy.get('/master')).toMatchObject({ status: 200 })
  })
})
