import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { master, released, tagged } from '../kit/leader.ts'
import { patiently, runLocker } from '../kit/locker.ts'
import { client } from '../kit/shared-consul.ts'
import { Toy } from '../kit/toy-application.ts'
import { uniqueName } from '../kit/unique.ts'

describe('operators', () => {
  test('see the cluster, and disable a node, which releases', async () => {
    const { toy, agent } = await master()
    const status = await runLocker(['leader', 'status', toy.name])
    expect(status.stdout).toMatch(new RegExp(`^${toy.name}: dev is master for [^\n]+\n\nNODE +ROLE +HEALTH`))
    const members = JSON.parse((await runLocker(['leader', 'members', toy.name, '--json'])).stdout)
    expect(members).toMatchObject([{ node: 'dev', role: 'master', health: 'passing', disabled: false }])
    const refused = await runLocker(['leader', 'disable', toy.name])
    const hint = `see consul-locker leader members ${toy.name}; --force does it nevertheless`
    expect(refused).toMatchObject({
      code: 1,
      stderr: `consul-locker: error: no other node of ${toy.name} is ready to become master (${hint})\n`,
    })
    expect(await client.entry(`lock/${toy.name}/nodes/dev`)).toBeUndefined()
    const disabled = await runLocker(['leader', 'disable', toy.name, '--force', '--timeout', '0.1s'])
    // It depends on how fast the master yields which of the two is so when the time is over.
    const unsettled = new RegExp(`${toy.name} has no master|is still the master of ${toy.name}`)
    expect(disabled).toMatchObject({ code: 1, stderr: expect.stringMatching(unsettled) })
    await toy.becomes('demote')
    await tagged(toy, 'disabled')
    await released(toy)
    expect(await runLocker(['leader', 'enable', toy.name])).toMatchObject({ code: 0, stderr: '' })
    await toy.becomes('master')
    expect(agent.stderr).toMatch(/is disabled\n/)
  })

  test('hear of a name that no agent has', async () => {
    const name = uniqueName('nobody')
    const [nobody, hint] = [`no agent of ${name} is registered in Consul`, 'is that its name?']
    const words = ['status', 'members', 'members --json', 'step-down', 'step-down --force', 'disable', 'enable']
    const more = ['maintenance', 'maintenance --node n1', 'maintenance --off', 'unfreeze', 'enable --node n1']
    for (const asked of [...words, ...more].map((text) => text.split(' '))) {
      const ended = await runLocker(['leader', ...asked, name])
      expect(ended).toMatchObject({ code: 1, stdout: '', stderr: `consul-locker: error: ${nobody} (${hint})\n` })
    }
    const maintained = await runLocker(['leader', 'maintenance', name, '--for', '1m', '--force'])
    expect(maintained).toMatchObject({ code: 0, stderr: expect.stringContaining(`warn: ${nobody}; it counts`) })
    expect(await runLocker(['leader', 'maintenance', name, '--off'])).toMatchObject({ code: 0, stderr: '' })
    expect(await client.entry(`lock/${name}/cluster`)).toBeUndefined()
  })

  test('have a master step down, but not to nobody', async () => {
    const { toy } = await master()
    const refused = await runLocker(['leader', 'step-down', toy.name])
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/no other node of .* is ready to become master/)
    await runLocker(['leader', 'step-down', toy.name, '--force', '--timeout', '0.1s'])
    await toy.becomes('demote')
    expect(await client.entry(`lock/${toy.name}/step-down`)).toBeUndefined()
    expect(await runLocker(['leader', 'step-down', toy.name])).toMatchObject({ code: 1 })
  })

  test('see that nobody can read how many failovers there were, which keeps no application without a master', async () => {
    const toy = await Toy.make()
    const key = `lock/${toy.name}/cluster`
    await client.request('PUT', `/kv/${key}`, '{"lastMaster":"n2","failovers":5}')
    const agent = toy.start()
    await toy.becomes('master')
    const why = `the key ${key} holds nothing of an agent's`
    await agent.says(new RegExp(`warn: the failovers can't be counted: ${why}; trying again`))
    expect((await runLocker(['leader', 'status', toy.name])).stdout).toContain(`frozen: ${why}`)
    expect(await runLocker(['leader', 'unfreeze', toy.name])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${why} (look at it`),
    })
    expect(await client.value(key)).toBe('{"lastMaster":"n2","failovers":5}')
    await client.deleteKey(key)
    const counted = async () => (await client.entry(key)) !== undefined
    await patiently(counted, () => 'it is not recorded once that can be done')
  })

  test('see a block after too many failovers, end it, and have another number of them count at a hang-up', async () => {
    const toy = await Toy.make()
    const cluster = { lastMaster: 'n2', failovers: [new Date().toISOString()] }
    await client.request('PUT', `/kv/lock/${toy.name}/cluster`, JSON.stringify(cluster))
    toy.configure({ max_failovers_per_hour: 2 })
    const agent = toy.start()
    // There is no n2 to wait for.
    await toy.becomes('master')
    await agent.says(/warn: 2 failovers within an hour: from now on a failover waits for the last master/)
    const status = async () => (await runLocker(['leader', 'status', toy.name])).stdout
    expect(await status()).toMatch(/frozen until \S+: 2 failovers within an hour/)
    toy.configure({ max_failovers_per_hour: 3 })
    agent.kill('SIGHUP')
    const lifted = async () => !(await status()).includes('frozen')
    await patiently(lifted, () => 'three are not too many')
    toy.configure({ max_failovers_per_hour: 1 })
    agent.kill('SIGHUP')
    await patiently(
      async () => !(await lifted()),
      () => 'two are not too many',
    )
    expect(await runLocker(['leader', 'unfreeze', toy.name])).toMatchObject({ code: 0, stderr: '' })
    expect(await status()).not.toMatch(/frozen|failover/)
  })
})

describe('a configuration', () => {
  test('is read again at a hang-up, and a bad one is told of and not taken', async () => {
    const { toy, agent } = await master()
    const good = readFileSync(toy.file, 'utf8')
    writeFileSync(toy.file, `${good}intervall: 2s\n`)
    agent.kill('SIGHUP')
    await agent.says(/toy\.yaml:\d+: there is no key intervall .*; going on as before\n/)
    toy.configure({ port: 4712, ttl: '11s', tags: ['redis'], timeouts: { demote: '4s', fence: '5s' } })
    agent.kill('SIGHUP')
    await agent.says(/is not taken over: port, ttl, timeouts\.demote can be changed only by a restart\n/)
    expect(agent.stderr).not.toContain('again')
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
