import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { breaches } from '../../../scripts/failover/judge.ts'
import { Lab } from '../../../scripts/failover/lab.ts'
import { ledRedis } from '../../../scripts/failover/locker-redis.ts'
import { LockerSystem } from '../../../scripts/failover/locker-system.ts'
import { MASTER_FAULTS } from '../../../scripts/failover/master-faults.ts'
import type { LabNode } from '../../../scripts/failover/node.ts'
import { playRound } from '../../../scripts/failover/round.ts'
import { program } from '../../../scripts/provide/debian.ts'
import { execute } from '../../../scripts/provide/execute.ts'
import { RedisClient } from '../../../scripts/provide/redis-client.ts'
import { LOCKER, patiently } from '../../kit/locker.ts'

const extra = ['min_leader_time: 0s', 'max_failovers_per_hour: 100']
const system = new LockerSystem({ application: 'redis', locker: LOCKER, led: ledRedis, extra })
const cleanUp = new AsyncDisposableStack()
let lab: Lab

beforeAll(async () => {
  lab = await Lab.open({ system, quick: true }, cleanUp)
  await lab.start()
  await lab.steady()
})

afterAll(() => cleanUp.disposeAsync())

function play(name: string, signal: AbortSignal) {
  const fault = MASTER_FAULTS.find((one) => one.name === name)
  if (!fault) throw new Error(`there is no fault ${name}`)
  return playRound(lab, fault, signal)
}

async function ask(path: string): Promise<unknown> {
  return (await fetch(`${lab.server}${path}`)).json()
}

describe('three Redis nodes with an agent each', () => {
  test('one is master, as health, catalog and DNS say', async () => {
    const master = await lab.steady()
    let health = ''
    const asked = async () => {
      const response = await fetch(`${master.api}/health`)
      health = `${response.status} ${await response.text()}`
      return health === '200 "Redis operating as master with 2 replicas"\n'
    }
    await patiently(asked, () => health)
    const entries = (await ask('/v1/catalog/service/redis')) as { Node: string; ServiceTags: string[] }[]
    expect(entries.map(({ Node, ServiceTags }) => [Node, ServiceTags.join()]).sort()).toEqual(
      lab.nodes.map((node) => [node.name, node === master ? 'master' : 'slave']),
    )
    expect(entries.find(({ Node }) => Node === master.name)).toMatchObject({
      ServiceID: 'redis',
      ServiceName: 'redis',
      ServicePort: master.app.port,
      ServiceAddress: master.app.address,
    })
    const dig = await program('dig', 'bind9-dnsutils')
    const dns = lab.node('node2').agent
    const words = [`@${new URL(dns.address).hostname}`, '-p', String(dns.ports.dns), '+short']
    const answer = await execute(dig.path, [...words, 'master.redis.service.consul'], { env: dig.env })
    expect(answer.trim()).toBe(master.app.address)
    const slaves = await execute(dig.path, [...words, 'slave.redis.service.consul'], { env: dig.env })
    expect(slaves.trim().split('\n')).toHaveLength(2)
  })

  test('the agent logs what it does, a line each', () => {
    const { log } = lab.node('node1').keeper
    expect(log).toMatch(/listening on/)
    expect(log).toMatch(/registering|registered/i)
  })

  test.for(['step-down', 'disable', 'agent-terminated'])(
    'a controlled failover (%s) loses no acknowledged write',
    async (name, { signal }) => {
      const round = await play(name, signal)
      expect(round).toMatchObject({ lost: 0, breaches: [] })
      expect(round.to).not.toBe(round.from)
      expect(round.acknowledged).toBeGreaterThan(50)
    },
  )

  test('an agent that is told to end takes its node out of the service, and ends with 0', async () => {
    const master = await lab.steady()
    master.hurt('keeper', 'SIGTERM')
    await master.keeper.ended()
    expect(master.keeper.exitCode).toBe(0)
    const isOut = async () => !(master.name in (await system.roles(lab)))
    await patiently(isOut, () => `${master.name} is still in the service`)
    await master.mend()
  })

  test.for(['app-killed', 'agent-killed'])(
    'another one becomes master, and never two take writes: %s',
    async (name, { signal }) => {
      const round = await play(name, signal)
      expect(round.breaches).toEqual([])
      expect(round.to).not.toBe(round.from)
    },
  )
})

test('the judge sees a second node that takes writes', async () => {
  const master = await lab.steady()
  const slave = lab.nodes.find((node) => node !== master) as LabNode
  const beganAt = Date.now()
  const redis = await RedisClient.open(slave.app.address, slave.app.port)
  // What keeps a slave from taking writes even then.
  await redis.command('CONFIG', 'SET', 'min-replicas-to-write', 0)
  await redis.command('REPLICAOF', 'NO', 'ONE').finally(() => redis.close())
  const found = () => {
    const { acceptances, holderChanges } = lab.observer
    return breaches(
      acceptances.filter(({ at }) => at >= beganAt),
      holderChanges,
    )
  }
  await patiently(
    async () => found().length > 0,
    () => `nobody saw ${slave.name} take writes`,
  )
  expect(found()).toMatchObject([{ node: slave.name, sentence: expect.stringContaining(`${master.name} has been`) }])
})

test('the configuration of the lab is that of the example', async () => {
  const example = await readFile(join(import.meta.dirname, '../../../examples/redis-failover/app.yaml'), 'utf8')
  const kept = await readFile(join(lab.dir, 'node1/app.yaml'), 'utf8')
  const own = (text: string) => text.split('\n').filter((line) => /^(application|timeouts):/.test(line))
  expect(own(kept)).toEqual(own(example))
  expect(own(kept)).toHaveLength(2)
})
