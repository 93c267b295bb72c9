import { expect, test } from 'vitest'
import { tagged } from '../kit/leader.ts'
import { patiently } from '../kit/locker.ts'
import { keepRedis, RedisServer } from '../kit/redis-server.ts'
import { Toy } from '../kit/toy-application.ts'

test('an agent takes over the section of its Redis at a hang-up, and the master stays; another Redis it does not', async () => {
  const toy = await Toy.make()
  const server = await RedisServer.start()
  keepRedis(toy, server)
  const agent = toy.start()
  await toy.plays('master')
  await tagged(toy, 'master')
  await server.ask(['SET', 'a', 1])
  const [runId, role] = [await server.info('run_id'), await server.info('role')]
  const said = agent.stderr.length
  keepRedis(toy, server, { redis: { min_replicas: 2 } })
  agent.kill('SIGHUP')
  const setting = async () => (await server.ask(['CONFIG', 'GET', 'min-replicas-to-write'])) as string[]
  await patiently(
    async () => (await setting())[1] === '2',
    () => agent.stderr,
  )
  keepRedis(toy, server, { redis: { socket: '/run/redis.sock' } })
  agent.kill('SIGHUP')
  await agent.says(/is not taken over: redis\.socket can be changed only by a restart\n/)
  expect([await server.info('run_id'), await server.info('role')]).toEqual([runId, role])
  expect(agent.stderr.slice(said)).not.toMatch(/giving up the lock|is demoted/)
})
