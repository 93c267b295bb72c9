import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startConsul } from '../../scripts/provide/agent.ts'
import { startCluster } from '../../scripts/provide/cluster.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { leaderKey, tagged } from '../kit/leader.ts'
import { Toy } from '../kit/toy-application.ts'

/**
 * Longer than Consul's agent believes that ours is there without hearing of it: the check that says so has expired. No
 * process tells of that meanwhile, for Consul's is away.
 */
const OUTAGE_MS = 40_000

test('a lease that ended while Consul was away is given back when that is there again, and nobody waits for a lock-delay', async () => {
  const consul = await startConsul({ mode: 'server' })
  onTestFinished(() => consul.stop())
  const toy = await Toy.make()
  const agent = toy.start(consul.address, { DEBUG: '1' })
  await toy.becomes('master')
  await tagged(toy, 'master', new ConsulClient(consul.address))
  consul.kill('SIGKILL')
  await agent.says(/lost the lock .*: the session could not be renewed in time/)
  await toy.becomes('demote')
  await delay(OUTAGE_MS)
  const before = agent.stderr.length
  await consul.restart()
  await toy.becomes('master')
  const after = agent.stderr.slice(before)
  // Who finds its session gone is refused (409), and the lock-delay has begun.
  expect(after).toMatch(/200 PUT \/v1\/txn/)
  expect(after).not.toMatch(/409 PUT \/v1\/txn : .*lock delay/)
  agent.kill('SIGTERM')
  await agent.ends()
}, 180_000)

test('a client agent of Consul that is restarted takes the sessions of its node along: the master is demoted, and another leads after the lock-delay', async () => {
  await using cleanUp = new AsyncDisposableStack()
  const { agents, rootToken } = await startCluster(2, cleanUp)
  const env = { CONSUL_HTTP_TOKEN: rootToken }
  const first = await Toy.make()
  const second = await Toy.make(first.name)
  const [one, other] = agents
  if (!one || !other) throw new Error('there are no two hosts')
  const master = first.start(one.address, env)
  await first.plays('master')
  const slave = second.start(other.address, env)
  await second.plays('slave')
  one.kill('SIGTERM')
  await master.says(/lost the lock .*: Consul no longer knows our session/)
  await first.becomes('demote')
  await one.exited()
  await one.restart()
  await Promise.any([first.plays('master'), second.plays('master')])
  expect([first.calls, second.calls].flat()).not.toContain('OVERLAP')
  const headers = { 'X-Consul-Token': rootToken ?? '' }
  const record = await fetch(`${one.address}/v1/kv/${leaderKey(first)}?raw`, { headers })
  expect(await record.json()).toMatchObject({ node: expect.stringMatching(/^host[12]$/) })
  for (const agent of [master, slave]) agent.kill('SIGTERM')
  await Promise.all([master.ends(), slave.ends()])
}, 180_000)
