import { describe, expect, test } from 'vitest'
import { leaderKey, master, released, tagged } from '../kit/leader.ts'
import { patiently, type Running } from '../kit/locker.ts'
import { processesWith } from '../kit/processes.ts'
import { client } from '../kit/shared-consul.ts'
import type { Toy } from '../kit/toy-application.ts'

/** The shells of an agent's guardian, and what it has started: the guardian itself, and its sentinel. */
const guardianOf = (toy: Toy) =>
  processesWith('consul-locker-guardian').filter((pid) => processesWith(toy.name).includes(pid))

/** Kills the agent, and so many of its guardian's processes, in one go: none has the time to learn of another's end. */
function killAtOnce(agent: Running, toy: Toy, howMany = Number.POSITIVE_INFINITY): void {
  agent.kill('SIGSTOP')
  for (let left = howMany, found = guardianOf(toy); left > 0 && found.length > 0; found = guardianOf(toy)) {
    for (const pid of found.sort((one, other) => one - other).slice(0, left)) process.kill(pid, 'SIGKILL')
    left -= found.length
  }
  agent.kill('SIGKILL')
}

describe('an agent that was killed together with its guardian', () => {
  test('finds its application when it is started again, demotes it, takes its lock back, and leads again', async () => {
    const { toy, agent } = await master()
    const session = (await client.entry(leaderKey(toy)))?.Session
    killAtOnce(agent, toy)
    await agent.ends()
    expect(toy.calls).toEqual(['master'])
    toy.set('slow-demote', '2')
    const next = toy.start()
    await next.says(/registered toy-\S+ in Consul\n/)
    await next.says(/the tag of toy-\S+ is master\n/)
    expect(toy.calls).toEqual(['master', 'demote', 'master'])
    expect(next.stderr).toMatch(/is demoted\n[\s\S]* is slave\n/)
    expect(next.stderr).not.toMatch(/ is slave\n[\s\S]*is demoted\n/)
    expect((await client.entry(leaderKey(toy)))?.Session).not.toBe(session)
    expect(await client.sessions(toy.name)).toHaveLength(1)
    next.kill('SIGTERM')
    await next.ends()
    await released(toy)
  })

  test('but for its sentinel is demoted by that, and nothing of it lives on', async () => {
    const { toy, agent } = await master()
    killAtOnce(agent, toy, 1)
    await toy.becomes('demote')
    await released(toy)
    await patiently(
      () => guardianOf(toy).length === 0,
      () => `they live: ${guardianOf(toy)}`,
    )
  })

  test('while its application was a slave leaves nothing either', async () => {
    const { toy, agent } = await master()
    toy.set('sick')
    await tagged(toy, 'unhealthy')
    await released(toy)
    killAtOnce(agent, toy, 1)
    await patiently(
      () => guardianOf(toy).length === 0,
      () => `they live: ${guardianOf(toy)}`,
    )
  })
})

test('an agent that is started while the guardian of the last one is at work waits for its end', async () => {
  const { toy, agent } = await master()
  toy.set('slow-demote', '3')
  agent.kill('SIGKILL')
  const next = toy.start()
  await next.says(/the guardian of an agent of toy-\S+ that was killed is at work; waiting for its end\n/)
  await toy.plays('master')
  expect(toy.calls).not.toContain('OVERLAP')
})
