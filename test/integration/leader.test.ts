import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startConsul } from '../../scripts/agent.ts'
import { freePorts } from '../../scripts/ports.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { consul, lockOf, master, released, services, tagged } from '../kit/leader.ts'
import { patiently, runLocker } from '../kit/locker.ts'
import { processesWith } from '../kit/processes.ts'
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
    const promoted = async () => JSON.parse(await consul.value(lockOf(toy))).promoted === true
    await patiently(promoted, () => 'its slaves are not told')
    expect(JSON.parse(await consul.value(lockOf(toy)))).toMatchObject({ node: 'dev', port: 4711 })
  })

  test('ended by TERM demotes, gives the lock back, is gone from Consul, and ends with 0', async () => {
    const { toy, agent } = await master()
    agent.kill('SIGTERM')
    expect(await agent.ends()).toMatchObject({ code: 0, stdout: '' })
    expect(toy.calls).toEqual(['master', 'demote'])
    await released(toy)
    expect(await services(toy)).toEqual([])
    expect(await consul.sessions(toy.name)).toEqual([])
    expect(processesWith(toy.dir)).toEqual([])
  })

  test('follows the node that holds the lock, whose names are filled in, and becomes master after it', async () => {
    const toy = await Toy.make()
    const session = await consul.createSession({ LockDelay: '0s' })
    const record = { node: 'n2', address: '10.0.0.2', port: 6379, promoted: false }
    await consul.acquire(lockOf(toy), session, JSON.stringify(record))
    const agent = toy.start()
    await toy.plays('slave')
    await tagged(toy, 'slave')
    expect(toy.calls).toEqual([])
    await consul.acquire(lockOf(toy), session, JSON.stringify({ ...record, promoted: true }))
    await toy.becomes('slave n2 10.0.0.2 6379')
    await consul.acquire(lockOf(toy), session, JSON.stringify({ ...record, node: 'n3; reboot', promoted: true }))
    await consul.acquire(lockOf(toy), session, JSON.stringify({ ...record, node: 'n3', promoted: true }))
    await toy.becomes('slave n3 10.0.0.2 6379')
    await consul.deleteKey(lockOf(toy))
    await toy.becomes('master')
    expect(toy.calls).not.toContain('OVERLAP')
    agent.kill('SIGTERM')
    await agent.ends()
    await consul.destroySession(session)
  })

  test('gives a second one on the same node one sentence and an exit code', async () => {
    const { toy } = await master()
    const second = await toy.start().ends()
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toMatch(/^consul-locker: error: can't listen on 127\.0\.0\.1:\d+: it is taken \(is another/)
    expect(second.stderr.split('\n')).toHaveLength(2)
  })

  test('refuses to take the service of another one on its node, which answers elsewhere', async () => {
    const { toy } = await master()
    toy.configure({ api: `127.0.0.1:${(await freePorts()).http}` })
    const second = await toy.start().ends()
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toMatch(
      /^consul-locker: error: another agent of toy-\S+ runs on this node: it answers at 127/,
    )
    expect(second.stderr.split('\n')).toHaveLength(2)
    await tagged(toy, 'master')
    expect(toy.calls).toEqual(['master'])
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

  test('whose health check hangs, or writes ten megabytes, does the agent no harm', async () => {
    const { toy } = await master({ timeouts: { health: '3s' } })
    toy.set('shout-health')
    toy.set('shout-master')
    const healthy = async () => (await toy.get('/health')).text
    await patiently(
      async () => (await healthy()).includes('shouting'),
      () => 'it does not shout',
    )
    expect((await healthy()).length).toBeLessThan(1000)
    expect(toy.calls).toEqual(['master'])
    toy.unset('shout-health')
    toy.set('hang-health')
    await toy.becomes('demote')
    expect(await toy.get('/health')).toMatchObject({ status: 500, text: '"no end within 3s"\n' })
    toy.unset('hang-health')
    await toy.becomes('master')
  })

  test('whose demotion hangs is fenced, and only then the lock is given back', async () => {
    const { toy, agent } = await master({ timeouts: { demote: '2s' } })
    toy.set('hang-demote')
    toy.set('slow-fence', '0.5')
    toy.set('sick')
    await toy.becomes('fence')
    expect((await consul.entry(lockOf(toy)))?.Session).toBeDefined()
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
    expect((await consul.entry(lockOf(toy)))?.Session).toBeDefined()
    agent.kill('SIGTERM')
    expect((await agent.ends()).code).toBe(6)
  })

  test('whose lock an operator takes away is demoted, though Consul answers nothing about a release', async () => {
    const { toy, agent } = await master()
    const session = (await consul.entry(lockOf(toy)))?.Session ?? ''
    await consul.destroySession(session)
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
    expect(await consul.sessions(toy.name)).toEqual([])
    toy.unset('behind')
    await toy.becomes('master')
  })
})

describe('operators', () => {
  test('see the cluster, and disable a node, which releases', async () => {
    const { toy, agent } = await master()
    const status = await runLocker(['leader', 'status', toy.name])
    expect(status.stdout).toMatch(new RegExp(`^${toy.name}: dev is master for [^\n]+\n\nNODE +ROLE +HEALTH`))
    const members = JSON.parse((await runLocker(['leader', 'members', toy.name, '--json'])).stdout)
    expect(members).toMatchObject([{ node: 'dev', role: 'master', health: 'passing', disabled: false }])
    const disabled = await runLocker(['leader', 'disable', toy.name, '--timeout', '0.1s'])
    expect(disabled).toMatchObject({ code: 1, stderr: expect.stringContaining(`${toy.name} has no master`) })
    await toy.becomes('demote')
    await tagged(toy, 'disabled')
    await released(toy)
    expect(await runLocker(['leader', 'enable', toy.name])).toMatchObject({ code: 0, stderr: '' })
    await toy.becomes('master')
    expect(agent.stderr).toMatch(/is disabled\n/)
  })

  test('have a master step down, but not to nobody', async () => {
    const { toy } = await master()
    const refused = await runLocker(['leader', 'step-down', toy.name])
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/no other node of .* is ready to become master/)
    await runLocker(['leader', 'step-down', toy.name, '--force', '--timeout', '0.1s'])
    await toy.becomes('demote')
    expect(await consul.entry(`lock/${toy.name}/step-down`)).toBeUndefined()
    expect(await runLocker(['leader', 'step-down', toy.name])).toMatchObject({ code: 1 })
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

  test('are asked for when there were too many failovers', async () => {
    const toy = await Toy.make()
    const at = new Date().toISOString()
    const cluster = { lastMaster: 'n2', failovers: [at, at] }
    await consul.request('PUT', `/kv/lock/${toy.name}/cluster`, JSON.stringify(cluster))
    toy.configure({ max_failovers_per_hour: 2 })
    const agent = toy.start()
    await agent.says(/error: no failover: 2 failovers within an hour, the last from n2; a person must look/)
    expect(toy.calls).toEqual([])
    expect((await runLocker(['leader', 'status', toy.name])).stdout).toMatch(
      /frozen since .*: 2 failovers within an hour/,
    )
    expect(await runLocker(['leader', 'unfreeze', toy.name])).toMatchObject({ code: 0, stderr: '' })
    await toy.becomes('master')
  })
})

describe('a configuration', () => {
  test('is read again at a hang-up, and a bad one is told of and not taken', async () => {
    const { toy, agent } = await master()
    const good = readFileSync(toy.file, 'utf8')
    writeFileSync(toy.file, `${good}intervall: 2s\n`)
    agent.kill('SIGHUP')
    await agent.says(/toy\.yaml:\d+: there is no key intervall .*; going on as before\n/)
    toy.configure({ port: 4712 })
    agent.kill('SIGHUP')
    await agent.says(/is not taken over: port can be changed only by a restart\n/)
    toy.configure({ ensure_master: [join(toy.dir, 'toy.sh'), 'master', 'anew'], tags: ['redis'] })
    agent.kill('SIGHUP')
    await agent.says(/read .*toy\.yaml again\n/)
    await toy.becomes('master anew')
    await tagged(toy, 'master,redis')
    expect(toy.calls).toEqual(['master', 'master anew'])
    agent.kill('SIGKILL')
    await toy.becomes('demote')
  })

  test.each([
    ['an unknown key', { intervall: '2s' }, /toy\.yaml:\d+: there is no key intervall/],
    ['a bad port', { port: 'http' }, /toy\.yaml:2: port: expected a port from 1 to 65535, got "http"/],
    ['no demotion of its own', { ensure_slave: undefined }, /toy\.yaml:\d+: the key ensure_slave is missing/],
    ['two health checks', { health: { tcp: 'a:1', http: 'http://a' } }, /toy\.yaml:4: health: expected one of/],
    ['a command that is not there', { demote: ['/nowhere/demote'] }, /toy\.yaml: demote: the command .* was not found/],
    ['a role for a tag', { tags: ['master'] }, /toy\.yaml:\d+: tags: the tag master tells the role/],
    ['timeouts too long', { timeouts: { demote: '60s' } }, /toy\.yaml: TTL 10s \+ grace 1m6s .* more than Consul's/],
  ])('with %s costs one sentence', async (_, keys, sentence) => {
    const toy = await Toy.make()
    toy.configure(keys)
    const ended = await toy.start().ends()
    expect(ended).toMatchObject({ code: 5, stdout: '' })
    expect(ended.stderr).toMatch(sentence)
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})

test('an agent lives through an outage of Consul, tells of it once, and registers again with one that forgot it', async () => {
  const own = await startConsul()
  onTestFinished(() => own.stop())
  const toy = await Toy.make()
  const agent = toy.start(own.address)
  await toy.becomes('master')
  const client = new ConsulClient(own.address)
  await tagged(toy, 'master', client)
  own.kill('SIGKILL')
  await agent.says(/lost the lock .*: the session could not be renewed in time/)
  await toy.becomes('demote')
  await own.restart()
  await toy.becomes('master')
  await tagged(toy, 'master', client)
  expect(agent.stderr.match(/trying again until it works/g)).toHaveLength(1)
  expect(toy.calls).toEqual(['master', 'demote', 'master'])
})
