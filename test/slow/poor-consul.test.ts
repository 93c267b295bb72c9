import { describe, expect, onTestFinished, test } from 'vitest'
import { startCluster } from '../../scripts/provide/cluster.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { startProxy } from '../kit/proxy.ts'
import { uniqueName } from '../kit/unique.ts'

const started = { stdio: ['pipe', 'pipe', 'pipe'] as ('pipe' | 'ignore')[] }

describe('three servers, two of them killed', { timeout: 240_000 }, () => {
  test('make a run wait until a leader is back; it says why, and leaves nothing', async () => {
    await using cleanUp = new AsyncDisposableStack()
    const { servers, agents, rootToken = '', leader } = await startCluster(1, cleanUp)
    const first = await leader()
    const [last, ...killed] = [...servers].sort((one, other) => Number(one === first) - Number(other === first))
    const [client] = agents
    if (!last || !client) throw new Error('there is no cluster')
    for (const server of killed) server.kill('SIGKILL')
    const name = uniqueName('leaderless')
    await patiently(
      async () => (await fetch(`${last.address}/v1/status/leader`).then((reply) => reply.text())) === '""',
      () => 'the leader is still believed in',
    )
    const env = { CONSUL_HTTP_TOKEN: rootToken }
    const proxies = await Promise.all([last, client, client].map(({ address }) => startProxy(address)))
    const [one, other, watching] = proxies.map(({ address }) => address)
    const run = (address = '') => startLocker([name, 'sh', '-c', 'echo ran'], { address, env })
    const runners = [run(one), run(other)]
    const watch = startLocker(['promote', name, '--watch', '--', 'true'], { address: watching ?? '', env })
    const trouble = /(answers 500: |has no leader who knows ).*; trying again until it works/
    await Promise.all([...runners, watch].map((runner) => runner.says(trouble)))
    const once = await runLocker(['--no-wait', `${name}-once`, 'true'], { address: last.address, env })
    expect(once).toMatchObject({ code: 3, stderr: expect.stringMatching(/error: .*No cluster leader/) })
    const before = proxies.map(({ requests }) => requests.length)
    await patiently(
      () => proxies.every(({ requests }, n) => requests.length >= (before[n] ?? 0) + 2),
      () => `tried again: ${proxies.map(({ requests }, n) => requests.length - (before[n] ?? 0))} times`,
    )
    expect([...runners, watch].some((runner) => runner.hasEnded)).toBe(false)
    await Promise.all(killed.map((server) => server.restart()))
    const ends = await Promise.all(runners.map((runner) => runner.ends()))
    expect(ends.map(({ code, stdout, stderr }) => [code, stdout, stderr])).toEqual(
      runners.map(() => [0, 'ran\n', expect.stringMatching(/answers again\n/)]),
    )
    watch.kill('SIGTERM')
    expect(await watch.ends()).toMatchObject({ code: 143, stdout: '' })
    const headers = { 'X-Consul-Token': rootToken }
    const sessions = await fetch(`${last.address}/v1/session/list?consistent`, { headers }).then((reply) =>
      reply.text(),
    )
    expect(sessions).not.toContain(name)
  })
})

describe('answers that take 3.5 s each', { timeout: 120_000 }, () => {
  test('cost time and nothing else: who runs and who finds the lock busy leaves no session', async () => {
    const { address } = await startProxy(undefined, { answersAfterMs: 3500 })
    const name = uniqueName('slow')
    const runner = startLocker([name, 'sh', '-c', 'echo ran; read -r line; exit 5'], { address, ...started })
    await runner.prints(/ran/)
    const busy = await runLocker(['--no-wait', name, 'true'], { address })
    expect(busy).toMatchObject({ code: 1, stdout: '' })
    const consul = new ConsulClient()
    await expect.poll(() => consul.sessions(name)).toHaveLength(1)
    runner.child.stdin?.end('\n')
    expect(await runner.ends()).toMatchObject({ code: 5, stdout: 'ran\n', stderr: '' })
    expect(await consul.remains(name)).toEqual([])
  })
})

describe('a session whose creation was not heard of', { timeout: 60_000 }, () => {
  test('is found again by its name, and used', async () => {
    const proxy = await startProxy()
    const created = proxy.hold(/session\/create/)
    onTestFinished(() => created.release())
    const name = uniqueName('unheard')
    const runner = startLocker([name, 'sh', '-c', 'echo $CONSUL_LOCKER_SESSION'], { address: proxy.address })
    await created.arrived
    const [unheard] = await new ConsulClient().sessions(name)
    expect(await runner.ends()).toMatchObject({ code: 0, stdout: `${unheard?.ID}\n` })
    expect(proxy.requests.filter((line) => line.includes('/session/create'))).toHaveLength(1)
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test('is destroyed by who does not wait for another', async () => {
    const proxy = await startProxy()
    const created = proxy.hold(/session\/create/)
    onTestFinished(() => created.release())
    const name = uniqueName('unheard')
    const runner = startLocker(['--no-wait', name, 'true'], { address: proxy.address })
    await created.arrived
    expect(await new ConsulClient().sessions(name)).toHaveLength(1)
    expect(await runner.ends()).toMatchObject({ code: 3, stderr: expect.stringMatching(/nothing answered/) })
    expect(await new ConsulClient().remains(name)).toEqual([])
  })
})

describe('a balancer that cuts long polls with 504', { timeout: 60_000 }, () => {
  test('is told of once, and once more when it is over', async () => {
    const { address, requests } = await startProxy(undefined, { cutsAfterMs: 700 })
    const consul = new ConsulClient()
    const name = uniqueName('cut')
    const holder = await consul.createSession({ Name: 'somebody' })
    onTestFinished(() => void consul.destroySession(holder))
    await consul.acquire(`consul-locker-${name}`, holder, 'somebody')
    const waiter = startLocker([name, 'echo', 'ran'], { address })
    const polls = () => requests.filter((line) => line.includes('wait=')).length
    await patiently(
      () => polls() >= 6,
      () => `${polls()} long polls`,
    )
    await consul.release(`consul-locker-${name}`, holder)
    const { code, stderr } = await waiter.ends()
    expect(code).toBe(0)
    expect(stderr.match(/warn: /g)).toHaveLength(2)
    expect(stderr.match(/answers 504: .*trying again/g)).toHaveLength(1)
    expect(stderr.match(/answers again/g)).toHaveLength(1)
  })
})
