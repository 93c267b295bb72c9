import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startConsul } from '../../scripts/provide/agent.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { master, tagged } from '../kit/leader.ts'
import { patiently } from '../kit/locker.ts'
import { Toy } from '../kit/toy-application.ts'

describe('an agent', () => {
  test('refuses to take the service of another one on its node, which answers elsewhere', async () => {
    const { toy } = await master()
    toy.configure({ api: `127.0.0.1:${(await freePorts()).http}` })
    const second = await toy.start().ends()
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toMatch(
      /^consul-locker: error: another agent of toy-\S+ runs on this node: it answers at 127/,
    )
    expect(second.stderr.split('\n')).toHaveLength(2)
    await tagged(toy, 'master')
    expect(toy.calls).toEqual(['master'])
  })
})

describe('a master', () => {
  test('whose health check hangs, or writes ten megabytes, does the agent no harm', async () => {
    const { toy } = await master({ timeouts: { health: '3s' } })
    toy.set('shout-health')
    toy.set('shout-master')
    const healthy = async () => (await toy.get('/health')).text
    await patiently(
      async () => (await healthy()).includes('shouting'),
      () => 'it does not shout',
    )
    expect((await healthy()).length).toBeLessThan(1000)
    expect(toy.calls).toEqual(['master'])
    toy.unset('shout-health')
    toy.set('hang-health')
    await toy.becomes('demote')
    expect(await toy.get('/health')).toMatchObject({
      status: 500,
      text: expect.stringMatching(/no end within 3s\)?"\n$/),
    })
    toy.unset('hang-health')
    await toy.becomes('master')
  })
})

test('an agent lives through an outage of Consul, tells of it once, and registers again with one that forgot it', async () => {
  const own = await startConsul()
  onTestFinished(() => own.stop())
  const toy = await Toy.make()
  const agent = toy.start(own.address)
  await toy.becomes('master')
  const client = new ConsulClient(own.address)
  await tagged(toy, 'master', client)
  own.kill('SIGKILL')
  await agent.says(/lost the lock .*: the session could not be renewed in time/)
  await toy.becomes('demote')
  await own.restart()
  await toy.becomes('master')
  await tagged(toy, 'master', client)
  expect(agent.stderr.match(/trying again until it works/g)).toHaveLength(1)
  expect(toy.calls).toEqual(['master', 'demote', 'master'])
})

describe('an application whose health checks fail now and then', () => {
  test('is not failed over for one, which is told of, and is when they all fail', async () => {
    const { toy, agent } = await master({ health: { fall: 4 } })
    toy.set('sick')
    await agent.says(/a health check of toy-\S+ failed: sick: disk on fire \(1 of 4\)\n/)
    toy.unset('sick')
    await patiently(
      async () => JSON.parse((await toy.get('/status')).text).doubt === undefined,
      () => 'it is still in doubt',
    )
    expect(agent.stderr).not.toContain('giving up the lock')
    toy.set('sick')
    await agent.says(/\(2 of 4\)\n[\s\S]*\(3 of 4\)\n[\s\S]*giving up the lock: the application is not healthy/)
    await toy.becomes('demote')
  })

  test('is judged by as many as the file says after a hang-up', async () => {
    const { toy, agent } = await master()
    toy.configure({ health: { fall: 1 } })
    agent.kill('SIGHUP')
    await agent.says(/read \S+ again\n/)
    toy.set('sick')
    await agent.says(/giving up the lock: the application is not healthy/)
    expect(agent.stderr).not.toContain('a health check of')
  })

  test('is failed over by the first one when nobody listens where it was', async () => {
    const server = createServer()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const { toy, agent } = await master({ health: { tcp: `127.0.0.1:${port}`, fall: 1000 } })
    server.close()
    await toy.becomes('demote')
    expect(agent.stderr).toMatch(/giving up the lock: the application is not healthy: \S+: connection refused/)
  })
})
