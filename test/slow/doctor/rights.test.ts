import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../../scripts/provide/agent.ts'
import { type Diagnosis, diagnose } from '../../kit/doctor.ts'
import { runLocker } from '../../kit/locker.ts'
import { scratch } from '../../kit/unique.ts'

const ROOT = 'root'

let agent: ConsulAgent
let policies = 0

async function ask<T>(method: string, path: string, body?: object, token = ROOT): Promise<T> {
  const init = { method, headers: { 'X-Consul-Token': token }, signal: AbortSignal.timeout(10_000) }
  const response = await fetch(`${agent.address}/v1${path}`, { ...init, ...(body && { body: JSON.stringify(body) }) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return JSON.parse(text)
}

beforeAll(async () => {
  const acl = { enabled: true, default_policy: 'deny', tokens: { master: ROOT, agent: ROOT } }
  const probe = async (agent: ConsulAgent) => {
    const headers = { 'X-Consul-Token': ROOT }
    const passing = await fetch(`${agent.address}/v1/health/state/passing`, { headers })
    return ((await passing.json()) as unknown[]).length > 0
  }
  agent = await startConsul({ node: 'web1', config: { primary_datacenter: 'dc1', acl }, probe })
})

afterAll(() => agent?.stop())

/** A token that may do what these rules allow. */
async function tokenWith(...rules: string[]): Promise<string> {
  const Name = `doctor-${++policies}`
  await ask('PUT', '/acl/policy', { Name, Rules: rules.join('\n') })
  return (await ask<{ SecretID: string }>('PUT', '/acl/token', { Policies: [{ Name }] })).SecretID
}

function diagnoseAs(token: string, words: readonly string[] = ['backup']): Promise<Diagnosis> {
  const file = join(scratch(), 'token')
  writeFileSync(file, token, { mode: 0o600 })
  return diagnose(agent.address, [...words, '--token-file', file])
}

const RULES = {
  CL401: 'session "web1" { policy = "write" }',
  CL402: 'key "consul-locker-backup" { policy = "write" }',
  CL403: 'key_prefix "consul-locker-backup=queue" { policy = "write" }',
  CL404: 'key "consul-locker-backup=runs" { policy = "write" }',
  CL405: 'key "consul-locker=pause" { policy = "read" }',
} as const
const OTHERS = ['key "consul-locker-backup=pause" { policy = "read" }', 'agent "web1" { policy = "read" }']

/** All that stands in Consul, but for what it does by itself. */
async function everything(): Promise<unknown> {
  const keys = await ask<unknown[]>('GET', '/kv/?recurse').catch(() => [])
  return [keys, await ask('GET', '/session/list')]
}

describe('doctor', () => {
  test('finds nothing when the token may do all that it needs, and leaves nothing', async () => {
    const token = await tokenWith(...Object.values(RULES), ...OTHERS)
    const before = await everything()
    expect(await diagnoseAs(token)).toMatchObject({ exit: 0, found: [] })
    expect(await everything()).toEqual(before)
  })

  test.each([
    ['CL401', 'failure', 'session "web1" { policy = "write" }'],
    ['CL402', 'failure', 'key "consul-locker-backup" { policy = "write" }'],
    ['CL403', 'warning', 'key_prefix "consul-locker-backup=" { policy = "write" }'],
    ['CL404', 'warning', 'key_prefix "consul-locker-backup=" { policy = "write" }'],
    ['CL405', 'warning', 'key "consul-locker=pause" { policy = "read" }'],
  ] as const)('names the right that a token lacks: %s', async (code, result, rule) => {
    const others = Object.entries(RULES).filter(([name]) => name !== code)
    const token = await tokenWith(...others.map(([, rule]) => rule), ...OTHERS)
    const { exit, found, said } = await diagnoseAs(token)
    expect([exit, found]).toEqual([result === 'failure' ? 1 : 0, [`${code} ${result}`]])
    expect(said(code)).toContain(rule)
  })

  test('names a session rule for a node of another name', async () => {
    const { CL401: _, ...others } = RULES
    const token = await tokenWith(...Object.values(others), ...OTHERS, 'session "web2" { policy = "write" }')
    expect(await diagnoseAs(token)).toMatchObject({ exit: 1, found: ['CL401 failure'] })
  })

  test('names the history for a run with a period, which is refused without', async () => {
    const { CL404: _, ...others } = RULES
    const token = await tokenWith(...Object.values(others), ...OTHERS)
    expect(await diagnoseAs(token, ['backup', '--once-per', '1h'])).toMatchObject({ exit: 1, found: ['CL404 failure'] })
  })

  test('says what it can’t tell when the token may not see the agent, and that a run does without', async () => {
    const [pause = ''] = OTHERS
    const { exit, found, said } = await diagnoseAs(await tokenWith(...Object.values(RULES), pause))
    expect([exit, found]).toEqual([0, ['CL106 warning', 'CL109 warning', 'CL304 warning']])
    for (const code of ['CL106', 'CL109', 'CL304']) expect(said(code)).toContain("can't tell")
  })

  test('names a token that Consul does not know, and blames nothing else', async () => {
    const { exit, found } = await diagnoseAs('6bcb0a4a-6d8c-4e3c-9b5f-3c1f6f6d0f11')
    expect([exit, found]).toEqual([1, ['CL105 failure']])
  })

  test('tells of a token in the arguments', async () => {
    const { found, said } = await diagnose(agent.address, ['--token', ROOT])
    expect(found).toEqual(['CL101 warning'])
    expect(said('CL101')).not.toContain(ROOT)
  })

  test('shows no token anywhere', async () => {
    const env = { CONSUL_HTTP_TOKEN: ROOT, CONSUL_HTTP_ADDR: agent.address, DEBUG: 'true' }
    const { stdout } = await runLocker(['doctor', 'backup'], { env })
    expect(stdout).toContain('CONSUL_HTTP_TOKEN')
    expect(stdout).not.toMatch(/=root|"root"/)
  })
})
