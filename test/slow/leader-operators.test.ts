import { describe, expect, onTestFinished, test } from 'vitest'
import { master, tagged } from '../kit/leader.ts'
import { runLocker } from '../kit/locker.ts'
import { client } from '../kit/shared-consul.ts'
import { Toy } from '../kit/toy-application.ts'

describe('operators', () => {
  test('hear of a node that has no agent, unless they know', async () => {
    const { toy } = await master()
    const key = `lock/${toy.name}/nodes/web9`
    const nobody = `no agent of ${toy.name} is registered on web9`
    for (const words of [['disable'], ['maintenance', '--for', '1m'], ['enable'], ['maintenance', '--off']]) {
      const asked = await runLocker(['leader', ...words, toy.name, '--node', 'web9'])
      expect(asked).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining(`${nobody} (its nodes are dev`),
      })
    }
    expect(await client.entry(key)).toBeUndefined()
    const forced = await runLocker(['leader', 'disable', toy.name, '--node', 'web9', '--force'])
    expect(forced).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`warn: ${nobody}; it counts when one comes`),
    })
    expect((await runLocker(['leader', 'status', toy.name])).stdout).toContain('without an agent: web9\n')
    expect(await runLocker(['leader', 'enable', toy.name, '--node', 'web9'])).toMatchObject({ code: 0, stderr: '' })
    expect(await client.entry(key)).toBeUndefined()
    expect(await runLocker(['leader', 'enable', toy.name])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('was not disabled'),
    })
  })

  test('start no maintenance that is over by then, or never', async () => {
    const { toy } = await master()
    for (const time of ['0s', '0', '-5m', '0.5s', '1000000d']) {
      const asked = await runLocker(['leader', 'maintenance', toy.name, `--for=${time}`])
      expect(asked).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/^consul-locker: error: --for .*\n$/),
      })
    }
    expect((await runLocker(['leader', 'status', toy.name])).stdout).not.toContain('maintenance')
  })

  test('keep a sick master by maintenance, until that expires', async () => {
    const { toy, agent } = await master()
    expect((await runLocker(['leader', 'maintenance', toy.name, '--for', '3s'])).stdout).toMatch(
      /in maintenance until /,
    )
    await agent.says(/is in maintenance\n/)
    toy.set('sick')
    await agent.says(/is not healthy/)
    expect(toy.calls).toEqual(['master'])
    await toy.becomes('demote')
    expect(agent.stderr).toMatch(/is no longer switched off\n[\s\S]*giving up the lock/)
  })

  test('need not come for a block: it ends by itself, and until then the last master is waited for', async () => {
    const toy = await Toy.make()
    const other = `${toy.name}-n2`
    const node = { Node: other, Address: '127.0.0.2' }
    const service = { Service: toy.name, Tags: ['unhealthy'] }
    await client.request('PUT', '/catalog/register', JSON.stringify({ ...node, Service: service }))
    onTestFinished(async () => void (await client.request('PUT', '/catalog/deregister', JSON.stringify(node))))
    const until = new Date(Date.now() + 6000).toISOString()
    const cluster = { lastMaster: other, frozen: { until, why: 'somebody flaps' } }
    await client.request('PUT', `/kv/lock/${toy.name}/cluster`, JSON.stringify(cluster))
    const agent = toy.start()
    await agent.says(/is frozen\n/)
    await tagged(toy, 'slave')
    expect(await client.sessions(toy.name)).toEqual([])
    await toy.becomes('master')
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(until))
    expect(agent.stderr).toMatch(/is no longer switched off\n/)
  })
})
