import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { afterTest } from '../../kit/after-test.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { startDevServer } from '../../kit/dev-server.ts'
import { diagnose } from '../../kit/doctor.ts'
import { SecureAgent } from '../../kit/secure-agent.ts'
import { scratch, uniqueName } from '../../kit/unique.ts'

const agent = () => inject('consulAddress')

function fileWith(text: string): string {
  const path = join(scratch(), 'file.yaml')
  writeFileSync(path, text)
  return path
}

const LEADER = (name: string) => `name: ${name}
port: 6379
health: { command: [/bin/true] }
ensure_master: [/bin/true]
ensure_slave: [sh, -c, 'true']
demote: /bin/true --now
`

describe.concurrent("doctor of a leader's file", () => {
  test('finds nothing in one that is in order', async () => {
    expect(await diagnose(agent(), ['-f', fileWith(LEADER(uniqueName('led')))])).toMatchObject({ exit: 0, found: [] })
  })

  test('finds nothing that would break it at consul-locker dev, which tells less of itself', async () => {
    const dev = await startDevServer()
    afterTest(() => dev.stop())
    const { exit, found } = await diagnose(dev.address, ['-f', fileWith(LEADER('led')), 'backup'])
    expect([exit, found]).toEqual([0, ['CL109 warning', 'CL304 warning']])
  })

  test('names what is wrong in it, with its line', async () => {
    const { exit, found, said } = await diagnose(agent(), ['-f', fileWith(`${LEADER('led')}prio: 3\n`)])
    expect([exit, found]).toEqual([1, ['CL701 failure']])
    expect(said('CL701')).toMatch(/file\.yaml:7: there is no key prio/)
  })

  test('names every command that is not there, and one that is no program', async () => {
    const script = join(scratch(), 'fence')
    writeFileSync(script, '#!/bin/sh\n', { mode: 0o644 })
    const more = `ready_to_lead: [no-such-program]\non_change: /opt/no/such --thing\nfence: [${script}]\n`
    const { exit, found, said } = await diagnose(agent(), ['-f', fileWith(LEADER('led') + more)])
    expect([exit, found]).toEqual([1, ['CL702 failure']])
    for (const named of ['no-such-program', '/opt/no/such', 'fence: ']) expect(said('CL702')).toContain(named)
  })

  test('names a file that is not there, and one of another kind', async () => {
    expect((await diagnose(agent(), ['-f', '/nowhere/app.yaml'])).found).toEqual(['CL701 failure'])
    expect((await diagnose(agent(), ['-f', fileWith('hello: world\n')])).found).toEqual(['CL701 failure'])
  })
})

describe('doctor of a file, of rights', () => {
  let secure: SecureAgent

  beforeAll(async () => {
    secure = await SecureAgent.start()
  })

  afterAll(() => secure?.stop())

  async function lookAs(rules: readonly string[], path: string) {
    const { ca, cert, key } = secure.certificates
    const token = join(scratch(), 'token')
    writeFileSync(token, await secure.token(uniqueName('doctor'), rules.join('\n')), { mode: 0o600 })
    const tls = ['--ca-file', ca, '--client-cert', cert, '--client-key', key]
    return diagnose(secure.address, ['-f', path, '--token-file', token, ...tls])
  }

  const RULES = [
    'key_prefix "lock/led/" { policy = "write" }',
    'service "led" { policy = "write" }',
    'node_prefix "" { policy = "read" }',
    'agent "dev" { policy = "read" }',
    'session "dev" { policy = "write" }',
  ]

  test('finds nothing when the token may do all of it, and changes nothing', async () => {
    const { exit, found } = await lookAs(RULES, fileWith(LEADER('led')))
    expect([exit, found]).toEqual([0, []])
    expect(await secure.remains('led')).toEqual([])
    expect(Object.keys(await secure.ask<object>('GET', '/catalog/services'))).toEqual(['consul'])
  })

  test.each([
    ['key_prefix "lock/led/" { policy = "write" }', 'key "lock/led/leader" { policy = "write" }'],
    ['service "led" { policy = "write" }', 'service "led" { policy = "write" }'],
    ['node_prefix "" { policy = "read" }', 'node_prefix "" { policy = "read" }'],
  ])('names what the token lacks: %s', async (without, named) => {
    const rules = RULES.filter((rule) => rule !== without)
    const { exit, found, said } = await lookAs(rules, fileWith(LEADER('led')))
    expect([exit, found]).toEqual([1, ['CL703 failure']])
    expect(said('CL703')).toContain(named)
  })
})

describe.concurrent("doctor of an init script's file", () => {
  const script = (name: string) => {
    const tool = join(scratch(), 'tool')
    writeFileSync(tool, '#!/bin/sh\n')
    chmodSync(tool, 0o755)
    const text = `name: ${name}\nconsul_service: ${name}\ncluster_key: cluster/doctor\nservice_command: ${tool} {action} {service}\n`
    return fileWith(`#!/usr/local/bin/consul-locker init\n${text}`)
  }

  test('names that nobody is active, then that no service is registered, that it has no check, and nothing', async () => {
    const name = uniqueName('initiated')
    const path = script(name)
    const consul = new ConsulClient()
    expect((await diagnose(agent(), ['-f', path])).found).toEqual(['CL704 failure'])
    await consul.request('PUT', `/kv/cluster/doctor/${name}`, '{"active_nodes":["dev"],"standby_nodes":[]}')
    const unregistered = await diagnose(agent(), ['-f', path])
    expect([unregistered.exit, unregistered.found]).toEqual([0, ['CL704 warning']])
    const register = (service: object) => consul.request('PUT', '/agent/service/register', JSON.stringify(service))
    await register({ Name: name })
    expect((await diagnose(agent(), ['-f', path])).said('CL704')).toContain('has no check')
    await register({ Name: name, Check: { TTL: '60s', Status: 'passing' } })
    expect((await diagnose(agent(), ['-f', path])).found).toEqual([])
    await consul.request('PUT', `/agent/service/deregister/${name}`)
    await consul.deleteKey(`cluster/doctor/${name}`)
  })

  test('names a service command that is not there', async () => {
    const path = fileWith('name: x\nconsul_service: x\ncluster_key: a\nservice_command: /no/such {action} {service}\n')
    expect((await diagnose(agent(), ['-f', path])).found).toContain('CL702 failure')
  })
})

describe.concurrent("doctor of a rollout's file", () => {
  test('finds nothing in one that is in order, and names what is not there', async () => {
    const dir = scratch()
    mkdirSync(join(dir, 'tests'))
    const file = (upgrade: string) =>
      fileWith(`host: web1\nversion_file: ${dir}/version\nvalidate: ${dir}/tests\nupgrade: [${upgrade}]\n`)
    expect(await diagnose(agent(), ['-f', file('[sh, -c, date]')])).toMatchObject({ exit: 0, found: [] })
    expect((await diagnose(agent(), ['-f', file('[apt-gett, update]')])).found).toEqual(['CL702 failure'])
  })

  test('names a role that nobody has', async () => {
    const text = `roles: [db]\nversion_file: ${scratch()}/version\nupgrade: [date]\n`
    const { found, said } = await diagnose(agent(), ['-f', fileWith(text)])
    expect(found).toEqual(['CL702 failure'])
    expect(said('CL702')).toContain(`the role of ${hostname()}`)
  })
})
