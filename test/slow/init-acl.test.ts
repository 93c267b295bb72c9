import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isKnown } from '../kit/catalog.ts'
import { type Ended, runLocker } from '../kit/locker.ts'
import { SecureAgent } from '../kit/secure-agent.ts'
import { scratch } from '../kit/unique.ts'

const NAME = 'myserviceConsulName'
const TEXT = readFileSync(join(import.meta.dirname, '../../examples/init/acl.hcl'), 'utf8')
const RULES = TEXT.split('\n').filter((line) => /^\w/.test(line))

let agent: SecureAgent
let node: string

beforeAll(async () => {
  agent = await SecureAgent.start()
  const { Config } = await agent.ask<{ Config: { NodeName: string } }>('GET', '/agent/self')
  node = Config.NodeName
})

afterAll(() => agent?.stop())

/** A node whose flags nobody answers, a script with a service that runs or doesn't, and a dead primary. */
async function begin(token: string): Promise<(...args: string[]) => Promise<Ended>> {
  await agent.ask('PUT', '/agent/service/register', { Name: NAME, Tags: ['nodns'] })
  await isKnown((path) => agent.ask('GET', path), NAME)
  await agent.ask('DELETE', `/kv/service/${NAME}?recurse`)
  await agent.put(`cluster/production/${NAME}`, JSON.stringify({ active_nodes: ['node1'], standby_nodes: [node] }))
  const dir = scratch()
  const runs = join(dir, 'runs')
  const services = `case $1 in start) touch ${runs} ;; stop) rm -f ${runs} ;; status) [ -e ${runs} ] || exit 3 ;; esac`
  writeFileSync(join(dir, 'services.sh'), services)
  writeFileSync(
    join(dir, 'myservice'),
    `name: myservice\nconsul_service: ${NAME}\ncluster_key: cluster/production
service_command: sh ${dir}/services.sh {action}\n`,
  )
  const { ca, cert, key } = agent.certificates
  const env = { CONSUL_HTTP_TOKEN: token, CONSUL_CACERT: ca, CONSUL_CLIENT_CERT: cert, CONSUL_CLIENT_KEY: key }
  return (...args) => {
    const words = args.map((arg) => (arg === 'SCRIPT' ? join(dir, 'myservice') : arg))
    return runLocker(words, { address: agent.address, env })
  }
}

/** Does all that the example does, by one token; gives what went wrong first. */
async function trouble(token: string): Promise<string | undefined> {
  const act = await begin(token)
  const steps: [number, RegExp, ...string[]][] = [
    [0, /^$/, 'promote', NAME, '--set', 'START'],
    [0, /^$/, 'init', 'SCRIPT', 'promote'],
    [0, /WAIT/, 'promote', NAME],
    [0, /^$/, 'promote', NAME, '--set', 'NULL'],
    [0, /^$/, 'init', 'SCRIPT', 'promote'],
    [0, /already stopped/, 'init', 'SCRIPT', 'stop'],
    [3, /nodes.standby: \S+passing/, 'init', 'SCRIPT', 'status'],
    [2, /"role":"standby".*"state":"stopped"/, 'check', 'service', '-f', 'SCRIPT'],
    [0, /Demoting primary node node1...SKIPPED/, 'init', 'SCRIPT', 'start-primary', '--force'],
    [0, /stopping...SUCCESS/, 'init', 'SCRIPT', 'restart'],
    [0, /"role":"active"/, 'check', 'service', '-f', 'SCRIPT'],
  ]
  for (const [code, pattern, ...words] of steps) {
    const ended = await act(...words)
    if (ended.code !== code || !pattern.test(ended.stdout)) return `${words.join(' ')}: ${JSON.stringify(ended)}`
  }
  return undefined
}

test('the rules of the example are enough for all that it does', async () => {
  expect(RULES.length).toBeGreaterThan(4)
  expect(await trouble(await agent.token('all', RULES.join('\n')))).toBeUndefined()
})

test.each(RULES.map((rule) => [rule]))('without its rule “%s” something fails', async (rule) => {
  const others = RULES.filter((other) => other !== rule)
  const token = await agent.token(`without-${RULES.indexOf(rule)}`, others.join('\n'))
  expect(await trouble(token)).toBeDefined()
})

test('a token that sees no nodes is told so, and takes no primary for dead', async () => {
  const token = await agent.token('blind', RULES.filter((rule) => !rule.startsWith('node_prefix')).join('\n'))
  const act = await begin(token)
  const serf = { Node: 'node1', CheckID: 'serfHealth', Name: 'alive', Status: 'passing' }
  const primary = { Service: NAME }
  await agent.ask('PUT', '/catalog/register', { Node: 'node1', Address: '127.0.0.2', Service: primary, Check: serf })
  // A check says all in one sentence, on its standard output.
  const told = expect.stringMatching(
    /shows this token no nodes, .*node_prefix "" \{ policy = "read" \}|how \S+ is can't be seen/,
  )
  for (const words of [
    ['init', 'SCRIPT', 'status'],
    ['init', 'SCRIPT', 'start-primary', '--dead-after', '1s'],
    ['check', 'service', '-f', 'SCRIPT'],
  ]) {
    const ended = await act(...words)
    expect([words, ended.code]).not.toEqual([words, 0])
    expect([words, ended.stderr + ended.stdout]).toEqual([words, told])
  }
  await expect(agent.ask('GET', `/kv/service/${NAME}/node1/demote`)).rejects.toThrow()
  await agent.ask('PUT', '/catalog/deregister', { Node: 'node1' })
})

describe('a token that may not do its part of a switch', () => {
  const may = (rule: string, policy: string) =>
    RULES.map((line) => (line.startsWith(rule) ? `${rule} { policy = "${policy}" }` : line))
  test.each([
    ['write the cluster key', may(`key "cluster/production/${NAME}"`, 'read')],
    ['write the flags of the primary', [...RULES, `key_prefix "service/${NAME}/node1/" { policy = "read" }`]],
    ['write the flags of its own node', [...RULES, `key_prefix "service/${NAME}/NODE/" { policy = "read" }`]],
    ['keep the plan', [...RULES, `key "service/${NAME}/switch" { policy = "read" }`]],
    ['hold the lock of the switches', may(`key_prefix "consul-locker-switchover/${NAME}"`, 'read')],
    ['make a session', may('session_prefix ""', 'read')],
  ])('is told so before the primary is asked to stop: %s', async (what, rules) => {
    const token = await agent.token(what.replaceAll(' ', '-'), rules.join('\n').replace('NODE', node))
    const act = await begin(token)
    // A primary that lives, as far as Consul tells.
    const serf = { CheckID: 'serfHealth', Name: 'alive', Status: 'passing' }
    await agent.ask('PUT', '/catalog/register', {
      Node: 'node1',
      Address: '127.0.0.2',
      Check: { Node: 'node1', ...serf },
    })
    await agent.put(`service/${NAME}/node1/demote`, 'NULL')
    const [before] = await agent.ask<{ ModifyIndex: number }[]>('GET', `/kv/service/${NAME}/node1/demote`)
    const ended = await act('init', 'SCRIPT', 'start-primary')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/refuses|denied/)
    const [after] = await agent.ask<{ ModifyIndex: number }[]>('GET', `/kv/service/${NAME}/node1/demote`)
    expect(after?.ModifyIndex).toBe(before?.ModifyIndex)
  })
})

test('the rule that is commented out is what --nodns needs', async () => {
  const act = await begin(await agent.token('tags', [...RULES, extraRule()].join('\n')))
  const roles = JSON.stringify({ active_nodes: [node], standby_nodes: [] })
  await agent.put(`cluster/production/${NAME}`, roles)
  await act('init', 'SCRIPT', 'start')
  const tagged = await act('check', 'service', '-f', 'SCRIPT', '--nodns')
  expect(JSON.parse(tagged.stdout)).not.toHaveProperty('notes')
  const before = await begin(await agent.token('no-tags', RULES.join('\n')))
  await agent.put(`cluster/production/${NAME}`, roles)
  await before('init', 'SCRIPT', 'start')
  const refused = await before('check', 'service', '-f', 'SCRIPT', '--nodns')
  expect(JSON.parse(refused.stdout)).toMatchObject({ code: 0, notes: [expect.stringContaining('refuses PUT')] })
})

function extraRule(): string {
  return /^# (service "\S+" \{.*\})$/m.exec(TEXT)?.[1] ?? ''
}
