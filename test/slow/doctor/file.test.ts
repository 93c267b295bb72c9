import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isKnown } from '../../kit/catalog.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { diagnose } from '../../kit/doctor.ts'
import { agentAddress, fileWith, leaderFile } from '../../kit/doctored-files.ts'
import { SecureAgent } from '../../kit/secure-agent.ts'
import { scratch, uniqueName } from '../../kit/unique.ts'

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
    const { exit, found } = await lookAs(RULES, fileWith(leaderFile('led')))
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
    const { exit, found, said } = await lookAs(rules, fileWith(leaderFile('led')))
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
    expect((await diagnose(agentAddress(), ['-f', path])).found).toEqual(['CL704 failure'])
    await consul.request('PUT', `/kv/cluster/doctor/${name}`, '{"active_nodes":["dev"],"standby_nodes":[]}')
    const unregistered = await diagnose(agentAddress(), ['-f', path])
    expect([unregistered.exit, unregistered.found]).toEqual([0, ['CL704 warning']])
    const register = (service: object) => consul.request('PUT', '/agent/service/register', JSON.stringify(service))
    await register({ Name: name })
    await isKnown(consul.read, name)
    expect((await diagnose(agentAddress(), ['-f', path])).said('CL704')).toContain('has no check')
    await register({ Name: name, Check: { TTL: '60s', Status: 'passing' } })
    await isKnown(consul.read, name, { status: 'passing' })
    expect((await diagnose(agentAddress(), ['-f', path])).found).toEqual([])
    await consul.request('PUT', `/agent/service/deregister/${name}`)
    await consul.deleteKey(`cluster/doctor/${name}`)
  })
})
