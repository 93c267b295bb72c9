import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { consul, master, released, tagged } from '../kit/leader.ts'
import { runLocker } from '../kit/locker.ts'
import { Toy } from '../kit/toy-application.ts'

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

  test('are asked for when nobody can read how many failovers there were', async () => {
    const toy = await Toy.make()
    const key = `lock/${toy.name}/cluster`
    await consul.request('PUT', `/kv/${key}`, '{"lastMaster":"n2","failovers":5}')
    const agent = toy.start()
    await agent.says(/is frozen|error: no failover/)
    const why = `the key ${key} holds nothing of an agent's`
    expect((await runLocker(['leader', 'status', toy.name])).stdout).toContain(`frozen: ${why}`)
    expect(await runLocker(['leader', 'unfreeze', toy.name])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${why} (look at it`),
    })
    expect(await consul.value(key)).toBe('{"lastMaster":"n2","failovers":5}')
    expect(toy.calls).toEqual([])
    await consul.deleteKey(key)
    await toy.becomes('master')
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
