import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Reign } from '../../src/leader/cluster/leader-history.ts'
import { leaderKey } from '../kit/leader.ts'
import { patiently, runLocker } from '../kit/locker.ts'
import { client } from '../kit/shared-consul.ts'
import { Toy } from '../kit/toy-application.ts'

/** Waits for a history of so many reigns of which the last has ended. */
async function history(toy: Toy, length: number): Promise<readonly Reign[]> {
  let reigns: readonly Reign[] = []
  await patiently(
    async () => {
      reigns = JSON.parse((await runLocker(['leader', 'history', toy.name, '--json'])).stdout)
      return reigns.length === length && reigns.at(-1)?.until !== undefined
    },
    () => `its history is ${JSON.stringify(reigns)}`,
  )
  return reigns
}

test.concurrent('a history says who was master, why that ended, and who asked for it', async () => {
  const toy = await Toy.make()
  toy.configure({ on_change: 'sleep 3' })
  const agent = toy.start()
  await toy.plays('master')
  await patiently(
    async () => (await runLocker(['leader', 'history', toy.name])).stdout.includes('  is master\n'),
    () => 'it does not say who is master',
  )
  await runLocker(['leader', 'step-down', toy.name, '--force', '--timeout', '0.1s'])
  const [first] = await history(toy, 1)
  expect(first).toMatchObject({
    node: 'dev',
    port: 4711,
    why: 'an operator asked for it',
    by: expect.stringMatching(/^\S+@\S+$/),
    fence: expect.any(Number),
  })
  await toy.becomes('master')
  toy.set('sick')
  expect((await history(toy, 2))[1]).toMatchObject({ why: 'the application is not healthy: sick: disk on fire' })
  toy.unset('sick')
  await toy.becomes('master')
  await patiently(
    async () => JSON.parse(await client.value(`lock/${toy.name}/history`)).reigns.length === 3,
    () => 'the third is not written down',
  )
  agent.kill('SIGKILL')
  expect((await history(toy, 3))[2]?.why).toMatch(/^its agent was killed or hung/)
  const told = await runLocker(['leader', 'history', toy.name])
  expect(told).toMatchObject({ code: 0, stderr: '' })
  expect(told.stdout.split('\n').filter((line) => /^\d/.test(line))).toHaveLength(3)
})

test.concurrent('a history that somebody else wrote holds no failover up', async () => {
  const toy = await Toy.make()
  await client.request('PUT', `/kv/lock/${toy.name}/history`, 'mine')
  const agent = toy.start()
  await agent.says(/warn: the history can't be written: the key .* holds nothing of an agent's/)
  await toy.becomes('master')
  toy.set('sick')
  await toy.becomes('demote')
  expect(await client.value(`lock/${toy.name}/history`)).toBe('mine')
})

test.concurrent("on_change is told of roles and masters, one at a time, and its failure and its hanging are nobody else's", async () => {
  const toy = await Toy.make()
  const heard = join(toy.dir, 'heard')
  const log = `echo "$CONSUL_LOCKER_OLD_ROLE>$CONSUL_LOCKER_ROLE $CONSUL_LOCKER_OLD_MASTER_HOST>$CONSUL_LOCKER_MASTER_HOST:$CONSUL_LOCKER_MASTER_PORT \${CONSUL_LOCKER_FENCE:+fenced}." >> '${heard}'`
  toy.configure({
    on_change: `${log}; [ ! -f '${toy.dir}/hang' ] || exec sleep 600; echo spoken; exit 3`,
    timeouts: { on_change: '2s' },
  })
  const lines = () => readFileSync(heard, 'utf8').trimEnd().split('\n')
  const session = await client.createSession({ LockDelay: '0s' })
  await client.acquire(
    leaderKey(toy),
    session,
    JSON.stringify({ node: 'n2', address: '10.0.0.2', port: 6379, promoted: true }),
  )
  const agent = toy.start()
  await agent.says(/warn: on_change failed: spoken \(exit code 3\)/)
  await patiently(
    () => /slave \S*>n2:6379 \.$/.test(lines().at(-1) ?? ''),
    () => `it heard ${lines()}`,
  )
  toy.set('hang')
  await client.deleteKey(leaderKey(toy))
  await toy.becomes('master')
  await agent.says(/warn: on_change failed: no end within 2s/)
  await patiently(
    () => lines().at(-1) === 'slave>master >dev:4711 fenced.',
    () => `it heard ${lines()}`,
  )
  agent.kill('SIGTERM')
  expect(await agent.ends()).toMatchObject({ code: 0 })
  await client.destroySession(session)
})
