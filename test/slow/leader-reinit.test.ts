import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { leaderKey, master, tagged } from '../kit/leader.ts'
import { patiently, runLocker } from '../kit/locker.ts'
import { client } from '../kit/shared-consul.ts'
import { Toy } from '../kit/toy-application.ts'

const LEADER = { node: 'n2', address: '10.0.0.2', port: 6379, promoted: true }
const CALL = 'reinit n2 10.0.0.2 6379'
const requestOf = (toy: Toy) => `lock/${toy.name}/reinit/dev`

/** A slave of another node, that can be given the master's data. */
async function slave() {
  const toy = await Toy.make()
  const words = ['{master_host}', '{master_address}', '{master_port}']
  toy.configure({ reinit: [join(toy.dir, 'toy.sh'), 'reinit', ...words] })
  const session = await client.createSession({ LockDelay: '0s' })
  await client.acquire(leaderKey(toy), session, JSON.stringify(LEADER))
  const agent = toy.start()
  await toy.becomes('slave n2 10.0.0.2 6379')
  await tagged(toy, 'slave')
  return { toy, agent }
}

const ask = (toy: Toy, ...words: string[]) => runLocker(['leader', 'reinit', toy.name, ...words])

async function done(toy: Toy): Promise<void> {
  await patiently(
    async () => (await client.entry(requestOf(toy))) === undefined,
    () => `the request still stands; calls: ${toy.calls}`,
  )
}

const times = (toy: Toy) => toy.calls.filter((call) => call === CALL).length

describe('a reinit', () => {
  test('has the node take the master’s data once, and is to be seen while it does', async () => {
    const { toy } = await slave()
    toy.set('slow-reinit', '12')
    expect(await ask(toy, 'dev', '--yes')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('asked dev to take'),
    })
    await toy.becomes(CALL)
    await patiently(
      async () => (await runLocker(['leader', 'status', toy.name])).stdout.includes('reinit since'),
      () => 'it is not to be seen',
    )
    expect(await ask(toy, 'dev', '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is under way already'),
    })
    await done(toy)
    await toy.becomes('slave n2 10.0.0.2 6379')
    expect(times(toy)).toBe(1)
  })

  test('that fails says why, and is not tried again until somebody asks', async () => {
    const { toy, agent } = await slave()
    toy.set('fail-reinit')
    await ask(toy, 'dev', '--yes')
    await agent.says(/reinit failed: no reinit today/)
    await patiently(
      async () => (await runLocker(['leader', 'status', toy.name])).stdout.includes('reinit failed: no reinit today'),
      () => 'the status does not tell it',
    )
    toy.unset('fail-reinit')
    expect(await ask(toy, 'dev', '--yes')).toMatchObject({ code: 0 })
    await done(toy)
    expect(times(toy)).toBe(1)
  })

  test('whose agent is killed is done by the next one, and then no more', async () => {
    const { toy, agent } = await slave()
    toy.set('slow-reinit', '600')
    await ask(toy, 'dev', '--yes')
    await toy.becomes(CALL)
    agent.kill('SIGKILL')
    await agent.ends()
    toy.set('slow-reinit', '0')
    const next = toy.start()
    await done(toy)
    expect(times(toy)).toBe(2)
    next.kill('SIGKILL')
    await next.ends()
  })

  test('that was done, though Consul has not heard of it, is not done again', async () => {
    const { toy, agent } = await slave()
    await ask(toy, 'dev', '--yes')
    const request = await client.value(requestOf(toy)).catch(() => '')
    await done(toy)
    agent.kill('SIGTERM')
    await agent.ends()
    if (request !== '') await client.request('PUT', `/kv/${requestOf(toy)}`, request)
    toy.start()
    await toy.plays('slave')
    await done(toy)
    expect(times(toy)).toBe(1)
  })

  test('is refused for the master, without one, for nobody, in maintenance, and unasked', async () => {
    const { toy, agent } = await slave()
    const refusals: [string[], number, RegExp][] = [
      [['dev'], 2, /Nobody is there to be asked \(--yes answers\)/],
      [[], 2, /no node was named/],
      [['web9', '--yes'], 1, /no agent of .* is registered on web9 \(its nodes are dev\)/],
    ]
    for (const [words, code, why] of refusals) {
      expect(await ask(toy, ...words)).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(why) })
    }
    await runLocker(['leader', 'maintenance', toy.name, '--for', '1h'])
    await agent.says(/is in maintenance/)
    expect(await ask(toy, 'dev', '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is in maintenance'),
    })
    expect(await client.entry(requestOf(toy))).toBeUndefined()
    const own = await master()
    expect(await ask(own.toy, 'dev', '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is the master of'),
    })
  })
})
