import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { leaderKey, master, released, services, tagged } from '../kit/leader.ts'
import { patiently } from '../kit/locker.ts'
import { processesWith } from '../kit/processes.ts'
import { client } from '../kit/shared-consul.ts'
import { startSystemd } from '../kit/systemd.ts'
import { Toy } from '../kit/toy-application.ts'

describe('an agent', () => {
  test('makes a healthy application master, once it is registered, and answers as the original did', async () => {
    const { toy } = await master()
    expect(toy.calls).toEqual(['master'])
    expect(toy.seen('master')).toMatch(new RegExp(`^master master ${toy.name} dev \\d+$`))
    expect(await toy.get('/health')).toEqual({
      status: 200,
      type: 'application/json',
      text: '"toy operating with 3 cores"\n',
    })
    expect(await toy.get('/master')).toMatchObject({ status: 200 })
    expect(await toy.get('/replica')).toMatchObject({ status: 503 })
    expect(await toy.get('/nonsense')).toMatchObject({ status: 404, text: '"Unsupported endpoint"\n' })
    expect(JSON.parse((await toy.get('/status')).text)).toMatchObject({ role: 'master', lock: 'held', node: 'dev' })
    expect((await toy.get('/metrics')).text).toContain(`consul_locker_leader_role{role="master",name="${toy.name}"} 1`)
    const promoted = async () => JSON.parse(await client.value(leaderKey(toy))).promoted === true
    await patiently(promoted, () => 'its slaves are not told')
    expect(JSON.parse(await client.value(leaderKey(toy)))).toMatchObject({ node: 'dev', port: 4711 })
  })

  test('ended by TERM demotes, gives the lock back, is gone from Consul, and ends with 0', async () => {
    const { toy, agent } = await master()
    agent.kill('SIGTERM')
    expect(await agent.ends()).toMatchObject({ code: 0, stdout: '' })
    expect(toy.calls).toEqual(['master', 'demote'])
    await released(toy)
    expect(await services(toy)).toEqual([])
    expect(await client.sessions(toy.name)).toEqual([])
    await expect.poll(() => processesWith(toy.dir)).toEqual([])
  })

  test('follows the node that holds the lock, whose names are filled in, and becomes master after it', async () => {
    const toy = await Toy.make()
    const session = await client.createSession({ LockDelay: '0s' })
    const record = { node: 'n2', address: '10.0.0.2', port: 6379, promoted: false }
    await client.acquire(leaderKey(toy), session, JSON.stringify(record))
    const agent = toy.start()
    await toy.plays('slave')
    await tagged(toy, 'slave')
    expect(toy.calls).toEqual([])
    await client.acquire(leaderKey(toy), session, JSON.stringify({ ...record, promoted: true }))
    await toy.becomes('slave n2 10.0.0.2 6379')
    await client.acquire(leaderKey(toy), session, JSON.stringify({ ...record, node: 'n3; reboot', promoted: true }))
    await client.acquire(leaderKey(toy), session, JSON.stringify({ ...record, node: 'n3', promoted: true }))
    await toy.becomes('slave n3 10.0.0.2 6379')
    await client.deleteKey(leaderKey(toy))
    await toy.becomes('master')
    expect(toy.calls).not.toContain('OVERLAP')
    agent.kill('SIGTERM')
    await agent.ends()
    await client.destroySession(session)
  })

  test('gives a second one on the same node one sentence and an exit code', async () => {
    const { toy } = await master()
    const second = await toy.start().ends()
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toMatch(
      /^consul-locker: error: can't listen at 127\.0\.0\.1:\d+: address already in use \(is another/,
    )
    expect(second.stderr.split('\n')).toHaveLength(2)
  })

  test('tells systemd when it is registered and when it ends, and its application nothing of that', async () => {
    const systemd = await startSystemd()
    const toy = await Toy.make()
    toy.configure({ ensure_master: `env > '${toy.dir}/environment'; exec '${toy.dir}/toy.sh' master` })
    const agent = toy.start(undefined, systemd.environment)
    await toy.becomes('master')
    await systemd.hears(/READY=1/)
    agent.kill('SIGTERM')
    await agent.ends()
    await systemd.hears(/STOPPING=1/)
    expect(systemd.heard).toEqual([
      `READY=1 STATUS=${toy.name} is registered in Consul`,
      `STOPPING=1 STATUS=${toy.name} is handed over`,
    ])
    expect(readFileSync(join(toy.dir, 'environment'), 'utf8')).not.toContain('NOTIFY_SOCKET')
  })
})

describe('a master', () => {
  test('that turns unhealthy is demoted, gives the lock back, and is master again when it has recovered', async () => {
    const { toy, agent } = await master()
    toy.set('sick')
    await toy.becomes('demote')
    await tagged(toy, 'unhealthy')
    await released(toy)
    expect(await toy.get('/health')).toMatchObject({ status: 500, text: '"sick: disk on fire"\n' })
    expect(agent.stderr).toMatch(/giving up the lock: the application is not healthy: sick: disk on fire\n/)
    toy.unset('sick')
    await toy.becomes('master')
    await tagged(toy, 'master')
  })

  test('whose demotion hangs is fenced, and only then the lock is given back', async () => {
    const { toy, agent } = await master({ timeouts: { demote: '2s' } })
    toy.set('hang-demote')
    toy.set('slow-fence', '0.5')
    toy.set('sick')
    await toy.becomes('fence')
    expect((await client.entry(leaderKey(toy)))?.Session).toBeDefined()
    await released(toy)
    expect(agent.stderr).toMatch(/error: demote failed: no end within 2s\n/)
    expect(agent.stderr).toMatch(/is fenced\n/)
  })

  test('that can be neither demoted nor fenced keeps the lock, and an agent that must end says so', async () => {
    const { toy, agent } = await master()
    toy.set('fail-demote')
    toy.set('fail-fence')
    toy.set('sick')
    await agent.says(/error: fence failed: no fence today \(exit code 3\)/)
    await patiently(
      async () => JSON.parse((await toy.get('/status')).text).stuck,
      () => 'it is not stuck',
    )
    expect((await client.entry(leaderKey(toy)))?.Session).toBeDefined()
    agent.kill('SIGTERM')
    expect((await agent.ends()).code).toBe(6)
  })

  test('whose lock an operator takes away is demoted, though Consul answers nothing about a release', async () => {
    const { toy, agent } = await master()
    const session = (await client.entry(leaderKey(toy)))?.Session ?? ''
    await client.destroySession(session)
    await toy.becomes('demote')
    expect(agent.stderr).toMatch(/lost the lock .*: Consul no longer knows our session/)
  })

  test('that never can be promoted gives the lock up and rests, instead of holding it', async () => {
    const toy = await Toy.make()
    toy.set('fail-master')
    const agent = toy.start()
    await agent.says(/ensure_master failed: no master today \(exit code 3\)/)
    await agent.says(/giving up the lock: the application could not be made master/)
    await toy.becomes('demote')
    await released(toy)
    expect(JSON.parse((await toy.get('/status')).text)).toMatchObject({ role: 'slave', lock: 'none' })
  })

  test('that is not ready to lead is no candidate until it is', async () => {
    const toy = await Toy.make()
    toy.set('behind')
    toy.configure({ ready_to_lead: [join(toy.dir, 'toy.sh'), 'ready'] })
    const agent = toy.start()
    await agent.says(/is not ready to lead/)
    await tagged(toy, 'slave')
    expect(await client.sessions(toy.name)).toEqual([])
    toy.unset('behind')
    await toy.becomes('master')
  })
})
