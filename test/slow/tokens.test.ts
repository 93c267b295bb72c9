import { describe, expect, onTestFinished, test } from 'vitest'
import { startConsul } from '../../scripts/provide/agent.ts'
import { crowd } from '../kit/connection-crowd.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently } from '../kit/locker.ts'
import { outcomes } from '../kit/token-fuzz.ts'
import { addresses, agent, answerOf, nodesOf, serveTokens } from '../kit/token-servers.ts'

describe('a discovery token', () => {
  test('forgets a server that is not published again, in its list, in the catalog and in DNS', async () => {
    const { request, token: make } = await serveTokens(['--expire', '3s', '--rate-limit', '0'])
    const token = await make()
    const publish = (...servers: string[]) => request('PUT', `/${token}`, JSON.stringify(servers))
    await publish('10.0.0.1:8300', '10.0.0.2:8300', '10.0.0.2:8301')
    const look = async () => {
      await publish('10.0.0.2:8301')
      return (await nodesOf(token)).length === 1
    }
    await patiently(look, () => 'it is still in the catalog')
    expect(await (await request('GET', `/${token}`)).json()).toEqual(['10.0.0.2:8301'])
    const services = await new ConsulClient(agent.address).request('GET', `/catalog/service/${token}`)
    expect(await services.json()).toMatchObject([{ Node: `${token}-10.0.0.2`, ServicePort: 8301 }])
    expect(await addresses(token)).toEqual(['10.0.0.2'])
    // Nobody asks for anything now.
    await patiently(
      async () => (await nodesOf(token)).length === 0,
      () => 'it is still in the catalog',
    )
    expect(await addresses(token)).toEqual([])
  })

  test('is served by several at once, and none loses what another took', async () => {
    const servers = [await serveTokens(), await serveTokens()]
    const [first] = servers
    const token = (await first?.token()) ?? ''
    const all = Array.from({ length: 12 }, (_, n) => `10.0.1.${n + 10}:8300`)
    const puts = all.map((one, n) => servers[n % 2]?.request('PUT', `/${token}`, JSON.stringify([one])))
    for (const put of await Promise.all(puts)) expect(put?.status).toBe(200)
    for (const { request } of servers) expect(await (await request('GET', `/${token}`)).json()).toEqual(all)
    expect(await nodesOf(token)).toHaveLength(12)
  })

  test('has its servers put back that somebody took out of the catalog', async () => {
    const { request, token: make } = await serveTokens(['--expire', '8s'])
    const token = await make()
    await request('PUT', `/${token}`, '["10.0.0.1:8300"]')
    const body = JSON.stringify({ Node: `${token}-10.0.0.1` })
    await new ConsulClient(agent.address).request('PUT', '/catalog/deregister', body)
    await patiently(
      async () => (await nodesOf(token)).length === 1,
      () => 'it is not back',
    )
  })
})

describe('a server of tokens', () => {
  test('answers everybody while one holds a thousand connections with half a request each', async () => {
    const { url, request, token: make, server } = await serveTokens(['--rate-limit', '0'])
    const token = await make()
    await crowd(new URL(url).host, 1000)
    await server.says(/warn: too many connections, the last one from 127\.0\.0\.0\/8/)
    for (let n = 0; n < 100; n++) expect((await request('GET', `/${token}`)).status).toBe(200)
    expect((await request('PUT', `/${token}`, '["10.0.0.1:8300"]')).status).toBe(200)
  })

  test('asks Consul once for what is looked up again and again, and sees what others change', async () => {
    const { request, server, token: make } = await serveTokens(['--rate-limit', '0'], agent.address, { DEBUG: '1' })
    const token = await make()
    const list = async () => answerOf(request('GET', `/${token}`))
    for (let n = 0; n < 100; n++) expect((await list()).text).toBe('[]')
    const asked = new RegExp(`debug: GET \\S+/v1/kv/discovery/${token}`, 'g')
    expect(server.stderr.match(asked)?.length).toBeLessThan(20)
    expect((await request('PUT', `/${token}`, '["10.0.0.1:8300"]')).status).toBe(200)
    expect((await list()).text).toBe('["10.0.0.1:8300"]')
    const other = await serveTokens()
    expect((await other.request('PUT', `/${token}`, '["10.0.0.2:8300"]')).status).toBe(200)
    await patiently(
      async () => (await list()).text === '["10.0.0.1:8300","10.0.0.2:8300"]',
      () => 'it does not see what was published elsewhere',
    )
    await new ConsulClient(agent.address).deleteKey(`discovery/${token}`)
    await patiently(
      async () => (await list()).status === 404,
      () => 'it does not see that the token is gone',
    )
  })

  test('survives a thousand requests of all shapes without a single fault of its own', async () => {
    const { url, server, token: make } = await serveTokens(['--rate-limit', '0'])
    expect(await outcomes(new URL(url).host, await make(), { seed: 7, requests: 1000 })).toEqual([])
    expect((await fetch(url)).status).toBe(200)
    expect(server.stderr).not.toMatch(/error:/)
  })

  test('says 503 while Consul is away, and serves again afterwards', async () => {
    const own = await startConsul({ mode: 'server' })
    onTestFinished(() => own.stop())
    const { request, token: make } = await serveTokens([], own.address)
    const token = await make()
    await request('PUT', `/${token}`, '["10.0.0.1:8300"]')
    expect((await request('GET', `/${token}`)).status).toBe(200)
    await own.kill('SIGKILL')
    const gone = async () => (await request('GET', `/${token}`)).status === 503
    await patiently(gone, () => 'it answers what nobody keeps fresh')
    const away = { status: 503, text: 'Consul does not answer, try again later\n' }
    expect(await answerOf(request('GET', `/${token}`))).toEqual(away)
    await own.restart()
    expect(await answerOf(request('GET', `/${token}`))).toEqual({ status: 200, text: '["10.0.0.1:8300"]' })
  })
})
