import { describe, expect, onTestFinished, test } from 'vitest'
import { startConsul } from '../../../scripts/provide/agent.ts'
import { QUICK_ELECTIONS } from '../../../scripts/provide/agent-config.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { freePort, serveDev } from '../../kit/dev-command.ts'
import { patiently, runLocker, startLocker } from '../../kit/locker.ts'
import { scratch } from '../../kit/unique.ts'

describe('consul-locker dev', () => {
  test('serves a thousand connections that wait, and tells all of them', async () => {
    const { consul } = await serveDev()
    await consul.request('PUT', '/kv/a', 'v')
    const index = (await consul.entry('a'))?.ModifyIndex
    const waiting = Array.from({ length: 1000 }, () => consul.request('GET', `/kv/a?index=${index}&wait=60s`))
    const early = await Promise.race([...waiting, consul.request('GET', '/status/leader').then(() => 'still waiting')])
    expect(early).toBe('still waiting')
    await consul.request('PUT', '/kv/a', 'new')
    expect((await Promise.all(waiting)).every(({ status }) => status === 200)).toBe(true)
  })
})

describe('with a folder for its data', () => {
  test('keeps over a restart what a real server keeps: a session, its lock, the service of the agent', async () => {
    const real = await startConsul({ mode: 'server', dataDir: scratch(), config: { performance: QUICK_ELECTIONS } })
    onTestFinished(() => real.stop())
    const data = scratch()
    let server = await serveDev('--data', data)
    const fill = async (consul: ConsulClient) => {
      const session = await consul.createSession({ TTL: '60s', LockDelay: '0s' })
      await consul.acquire('lock', session, 'mine')
      for (const Name of ['told', 'untold']) {
        const service = { Name, Check: { TTL: '1h', Status: 'passing' } }
        await consul.request('PUT', '/agent/service/register', JSON.stringify(service))
      }
      await consul.request('PUT', '/agent/check/pass/service:told')
      return session
    }
    const look = async (consul: ConsulClient, session: string) => {
      const holder = (await consul.entry('lock'))?.Session === session
      const checks = (await (await consul.request('GET', '/agent/checks')).json()) as Record<string, { Status: string }>
      const states = ['told', 'untold'].map((name) => checks[`service:${name}`]?.Status)
      return { holder, sessions: (await consul.sessions('')).length, states }
    }
    const sessions = [await fill(new ConsulClient(real.address)), await fill(server.consul)] as const
    await real.restart()
    server.server.kill('SIGTERM')
    await server.server.ends()
    server = await serveDev('--data', data)
    const kept = { holder: true, sessions: 1, states: ['passing', 'critical'] }
    await expect.poll(() => look(new ConsulClient(real.address), sessions[0])).toEqual(kept)
    expect(await look(server.consul, sessions[1])).toEqual(kept)
  })
})

describe('a run with --dev', () => {
  test('starts a Consul where none listens, says what that is worth, and leaves it to those that come', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const options = { address }
    const first = startLocker(['--dev', 'shared', 'sh', '-c', 'echo in; sleep 1; echo out'], options)
    await first.says(
      /warn: nothing listens at .*, so a Consul of one process starts there \(--dev\): it keeps apart what/,
    )
    await first.prints(/in/)
    const second = startLocker(['--dev', 'shared', 'echo', 'second'], options)
    const other = await runLocker(['--dev', '--no-wait', 'shared', 'true'], options)
    expect(other.code).toBe(1)
    expect(await first.ends()).toMatchObject({ code: 0, stdout: 'in\nout\n' })
    expect(await second.ends()).toMatchObject({ code: 0, stdout: 'second\n' })
    expect(second.stderr).not.toContain('nothing listens')
    const { status } = await fetch(`http://${address}/v1/status/leader`)
    expect(status).toBe(200)
    await patiently(
      () =>
        fetch(`http://${address}/`).then(
          () => false,
          () => true,
        ),
      () => 'it does not end though nobody uses it',
    )
  })
})
