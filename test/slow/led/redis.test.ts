import { expect, test } from 'vitest'
import { LedCluster, type LedServer } from '../../kit/led-cluster.ts'
import { patiently } from '../../kit/locker.ts'
import { RedisServer } from '../../kit/redis-server.ts'
import { givesUpWhatIsLost } from './accepted-loss.ts'

const TIMEOUT = { timeout: 180_000 }

/** Each begins as a master, by its own configuration. */
async function redis(): Promise<LedServer> {
  const server = await RedisServer.start({ appendonly: 'yes', appendfsync: 'always' })
  return {
    keys: { application: 'redis', port: server.port, address: server.host, redis: { max_loss: 0 } },
    write: (word) => server.ask(['SADD', 'words', word]),
    words: async () => ((await server.ask(['SMEMBERS', 'words'])) as string[]).sort(),
    kill: () => server.kill(),
    start: async () => server.isAlive || (await server.start()),
  }
}

test('redis › a person gives up what the last master had, and its data when it comes back', TIMEOUT, async () => {
  await givesUpWhatIsLost(await redis(), await redis())
})

// https://github.com/redis/redis/issues/12570
test(
  'redis › an old master that comes back when the new one is gone does not lead without what that wrote',
  TIMEOUT,
  async () => {
    const led = await LedCluster.start(await redis(), await redis())
    await led.runAll()
    await led.server('n1').write('before')
    await led.has('n2', 'before')
    await led.end('n1')
    await led.server('n1').kill()
    await led.plays('n2', 'master')
    await led.server('n2').write('of the new one')
    await led.end('n2')
    await led.server('n2').kill()
    const { running } = await led.run('n1')
    await running?.says(/is not ready to lead/)
    await led.healthy('n1')
    expect(await led.masters()).toEqual([])
    await expect(led.server('n1').write('lost')).rejects.toThrow('NOREPLICAS')
    await led.run('n2')
    await led.plays('n2', 'master')
    await led.has('n1', 'before', 'of the new one')
  },
)

// https://github.com/YotpoLtd/resec/issues/6
test(
  'redis › a master that is stopped and started again under its agent leaves one master, and all that was written',
  TIMEOUT,
  async () => {
    const led = await LedCluster.start(await redis(), await redis())
    await led.runAll()
    const seen = new Set<number>()
    const watch = setInterval(async () => seen.add((await led.masters().catch(() => [])).length), 50)
    try {
      await led.server('n1').write('before')
      // Redis may send a replica that has just copied nothing for a second, and what only a killed master had is lost.
      await led.has('n2', 'before')
      await led.server('n1').kill()
      await led.plays('n2', 'master')
      await led.server('n2').write('after')
      await led.server('n1').start()
      await led.plays('n1', 'slave')
      await led.has('n1', 'after', 'before')
    } finally {
      clearInterval(watch)
    }
    expect(await led.masters()).toEqual(['n2'])
    expect(Math.max(...seen)).toBe(1)
  },
)

// https://github.com/seatgeek/resec/issues/69
test(
  'redis › a master whose Consul agent is away for five seconds is the only one in the catalog afterwards',
  TIMEOUT,
  async () => {
    const led = await LedCluster.start(await redis(), await redis(), await redis())
    // The first node's agent is the server.
    await led.run('n2')
    await led.plays('n2', 'master')
    for (const name of ['n1', 'n3']) await led.run(name)
    await led.isWhole()
    const { consul } = led.cluster.node('n2')
    consul.kill('SIGSTOP')
    // How long it lasts is the case itself.
    await new Promise((resolve) => setTimeout(resolve, 5000))
    consul.kill('SIGCONT')
    let last: string[] = []
    await patiently(
      async () => {
        await led.isWhole()
        last = await led.masters()
        return last.length === 1
      },
      () => `the masters are ${last}`,
    )
    const [master = ''] = last
    await led.server(master).write('a word')
    for (const name of ['n1', 'n2', 'n3']) await led.has(name, 'a word')
  },
)

// https://github.com/patroni/patroni/issues/3
test('redis › a store that has forgotten everything makes no second master, and loses nothing', TIMEOUT, async () => {
  const led = await LedCluster.start(await redis(), await redis())
  await led.runAll()
  await led.server('n1').write('before')
  await led.has('n2', 'before')
  const { consul, name } = led.cluster
  await consul.request('DELETE', `/kv/lock/${name}/?recurse`)
  await patiently(
    async () => (await consul.entry(`lock/${name}/note`)) !== undefined && (await led.masters()).length === 1,
    () => `nobody leads: ${led.cluster.node('n1').running?.stderr}`,
  )
  const [master = ''] = await led.masters()
  await led.server(master).write('after')
  for (const node of ['n1', 'n2']) await led.has(node, 'after', 'before')
})
