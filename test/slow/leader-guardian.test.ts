import { describe, expect, onTestFinished, test } from 'vitest'
import { master, released, services, tagged } from '../kit/leader.ts'
import { patiently } from '../kit/locker.ts'
import { processesWith } from '../kit/processes.ts'
import { client } from '../kit/shared-consul.ts'
import { Toy } from '../kit/toy-application.ts'

describe('an agent', () => {
  test('that was killed has its application demoted and its lock given back by the guardian', async () => {
    const { toy, agent } = await master()
    agent.kill('SIGKILL')
    await toy.becomes('demote')
    await released(toy)
    await patiently(
      async () => (await services(toy)).length === 0,
      () => 'it is still registered',
    )
    expect(await client.sessions(toy.name)).toEqual([])
  })

  test('that was killed is handed over without a lock-delay though its demotion takes long', async () => {
    const { toy, agent } = await master()
    toy.set('slow-demote', '4')
    agent.kill('SIGKILL')
    await toy.becomes('demote')
    await released(toy)
    expect(toy.seen('demote')).not.toBe('')
  })

  test('that was killed while it promotes has that ended before the demotion', async () => {
    const toy = await Toy.make()
    toy.set('slow-master', '30')
    toy.configure({ timeouts: { ensure: '40s' } })
    const agent = toy.start()
    await toy.becomes('master')
    agent.kill('SIGKILL')
    toy.unset('slow-master')
    await patiently(
      () => toy.calls.includes('demote'),
      () => `not demoted: ${toy.calls}`,
    )
    await released(toy)
    expect(processesWith(`${toy.dir}/toy.sh\0master`)).toEqual([])
  })

  test('that is stopped has its application demoted at the deadline, and begins anew when it goes on', async () => {
    const { toy, agent } = await master()
    agent.kill('SIGSTOP')
    await toy.becomes('demote')
    await released(toy)
    agent.kill('SIGCONT')
    await toy.becomes('master')
    await tagged(toy, 'master')
    expect(toy.calls).not.toContain('OVERLAP')
  })

  test('whose guardian can’t be kept alive hands over and ends, and says so', async () => {
    const { toy, agent } = await master()
    const hunt = setInterval(() => {
      const ours = processesWith(toy.name)
      const guardians = processesWith('consul-locker-guardian').filter((pid) => ours.includes(pid))
      for (const pid of guardians) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It has just ended.
        }
      }
    }, 20)
    onTestFinished(() => clearInterval(hunt))
    const { code, stderr } = await agent.ends()
    clearInterval(hunt)
    expect([code, toy.calls.at(-1)]).toEqual([2, 'demote'])
    expect(stderr).toMatch(/error: no guardian could be kept alive/)
    expect(stderr).not.toContain('lost the lock')
    await released(toy)
  })
})
