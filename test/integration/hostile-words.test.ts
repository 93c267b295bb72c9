import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { EVIL, expectHarmless } from '../kit/harmless.ts'
import { runLocker } from '../kit/locker.ts'
import { Terminal } from '../kit/terminal.ts'
import { uniqueName } from '../kit/unique.ts'

describe('what anybody wrote into Consul', () => {
  const name = uniqueName('evil')
  let agent: ConsulAgent
  let consul: ConsulClient
  let init: string

  /** By a transaction, which takes keys that no path may have. */
  const put = async (Key: string, value: unknown, Session?: string) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    const Value = Buffer.from(text).toString('base64')
    await consul.transact(Session ? { Verb: 'lock', Key, Value, Session } : { Verb: 'set', Key, Value })
  }
  const register = async (node: string, Address: string, service: object, check: object) => {
    const body = { Node: node, Address, Service: service, Checks: [{ Node: node, ...check }], SkipNodeUpdate: false }
    expect((await consul.request('PUT', '/catalog/register', JSON.stringify(body))).status).toBe(200)
  }
  const told = async (words: readonly string[]) => {
    const ended = await runLocker(words, { address: agent.address })
    expectHarmless(ended)
    return ended
  }

  beforeAll(async () => {
    agent = await startConsul()
    consul = new ConsulClient(agent.address)
    const held = await consul.createSession({ TTL: '600s', Behavior: 'release', LockDelay: '0s' })
    const record = { host: EVIL, pid: 1, user: EVIL, command: [EVIL], since: EVIL, lockDelayMs: 0 }
    await put(`consul-locker-${name}`, record, held)
    await put(`plain/consul-locker-${name}`, EVIL, held)
    await put(`lease/${name}`, { serviceId: EVIL, host: EVIL, since: EVIL, leaseMs: 1000 }, held)
    await put(`service/${name}/n1/promote`, EVIL)
    await put(`secret/${name}`, `${EVIL}hunter2`)
    const leader = { node: EVIL, address: EVIL, port: 1, since: EVIL, promoted: true }
    await put(`lock/${name}/leader`, leader, held)
    await put(`lock/${name}/cluster`, { frozen: { since: EVIL, why: EVIL }, maintenanceUntil: EVIL, failovers: [EVIL] })
    await put(`lock/${name}/nodes/${EVIL}`, { disabled: false, maintenanceUntil: EVIL })
    await put(`${name}/current_version`, EVIL)
    await put(`dashed-${name}/current_version`, '--config-dir=/tmp/x')
    await put(`${name}/running_version/${EVIL}/web1`, '1')
    await put(`${name}/running_version/V1/${EVIL}`, '1')
    await put(`${name}/running_version/V1/web1`, '1')
    await put(`${name}/running_version/--force/web2`, '1')
    await put(`${name}/consul-locker-rollout/failed/${EVIL}`, { version: EVIL, why: EVIL })
    await put(`${name}/config_state/host/${EVIL}/enable_puppet`, 'False')
    await put(`cluster/${name}/${name}`, { active_nodes: [EVIL], standby_nodes: ['dev'] })
    const check = { CheckID: `service:${name}`, Name: EVIL, Output: EVIL, ServiceID: name }
    const service = { ID: name, Service: name, Port: 80, Tags: ['slave', EVIL], Meta: { a: EVIL } }
    await register('n1', '10.0.0.1', service, { ...check, Status: 'passing' })
    await register(EVIL, EVIL, { ...service, ID: EVIL }, { ...check, ServiceID: EVIL, Status: 'passing' })
    await register('n3', '-oProxyCommand=reboot', service, { ...check, Status: 'passing' })
    await register('n4', '10.0.0.4', { ...service, ID: '--id' }, { ...check, ServiceID: '--id', Status: 'passing' })
    await register(
      'n5',
      '10.0.0.5',
      { ...service, ID: `${name}${EVIL}` },
      { Name: 'n', CheckID: 'n', Status: 'passing' },
    )
    await register(
      'n6',
      '10.0.0.6',
      { ...service, Service: 'other' },
      { Name: EVIL, CheckID: EVIL, Output: EVIL, Status: 'critical' },
    )
    init = join(dirname(agent.logFile), 'init-script')
    writeFileSync(
      init,
      `name: ${name}\nconsul_service: ${name}\ncluster_key: cluster/${name}\nlocal_services: [a]\nservice_command: 'printf "%s" "$0" {service} {action} '\n`,
    )
  })

  afterAll(() => agent?.stop())

  test.each([
    ['a run that finds it busy', ['--no-wait', name, 'true']],
    ['a run that waits', ['--wait', '1', name, 'true']],
    [
      'a run that waits for a value that is no record',
      ['--wait', '1', '--key', `plain/consul-locker-${name}`, 'n', 'true'],
    ],
    ['a request that is logged', ['--wait', '1', '--log-format', 'json', name, 'true']],
    ['status', ['status', name]],
    ['status --json', ['status', '--json', name]],
    ['unlock', ['unlock', name]],
    ['unlock of a value that is no record', ['unlock', 'n', '--key', `plain/consul-locker-${name}`]],
    ['lease show', ['lease', 'show', '--label', name]],
    ['lease show --json', ['lease', 'show', '--json', '--label', name]],
    ['lease acquire', ['lease', 'acquire', '--acquire-timeout', '0', '--label', name]],
    ['lease release', ['lease', 'release', '--label', name]],
    ['promote', ['promote', name, '--node', 'n1']],
    ['promote --json', ['promote', name, '--node', 'n1', '--json']],
    ['leader status', ['leader', 'status', name]],
    ['leader status --json', ['leader', 'status', name, '--json']],
    ['leader members', ['leader', 'members', name]],
    ['leader members --json', ['leader', 'members', name, '--json']],
    ['leader step-down', ['leader', 'step-down', name, '--timeout', '0.1s']],
    ['rollout current', ['rollout', 'current', '--prefix', name]],
    ['rollout current --json', ['rollout', 'current', '--prefix', name, '--json']],
    ['rollout pending', ['rollout', 'pending', '--prefix', name, '--version-file', '/nonexistent']],
    ['rollout running', ['rollout', 'running', '--prefix', name]],
    ['rollout running --json', ['rollout', 'running', '--prefix', name, '--json']],
    ['rollout hosts-at', ['rollout', 'hosts-at', '--prefix', name, 'V1']],
    ['rollout check-single', ['rollout', 'check-single', '--prefix', name, 'V1']],
    ['rollout failures', ['rollout', 'failures', '--prefix', name, '--hosts', '--warnings']],
    ['rollout failures --json', ['rollout', 'failures', '--prefix', name, '--json', '--warnings']],
    ['rollout health', ['rollout', 'health', '--prefix', name, '--host', 'n6']],
    ['rollout health --json', ['rollout', 'health', '--prefix', name, '--host', 'n6', '--json']],
    ['rollout resume', ['rollout', 'resume', '--prefix', name]],
    ['hosts', ['hosts', '--label', name]],
    ['hosts --json', ['hosts', '--label', name, '--json']],
    ['hosts --format', ['hosts', '--label', name, '--format', '{node} {id} {address}']],
    ['wait', ['wait', '--once', `kv:secret/${name}=yes`]],
    ['wait for a while', ['wait', '--timeout', '1', `kv:secret/${name}=yes`, `service:${name}=9`]],
  ])('is harmless in %s', async (title, words) => {
    const { stdout } = await told(words)
    if (title.includes('--json') && stdout !== '') expect(JSON.stringify(JSON.parse(stdout))).toBeTruthy()
  })

  test.each([['status'], ['status', '--json'], ['start']])('is harmless in init %s', async (...words) => {
    await told(['init', '-f', init, ...words])
  })

  test('is harmless in DEBUG’s requests and answers', async () => {
    const env = { DEBUG: 'requests' }
    const ended = await runLocker(['rollout', 'failures', '--hosts', '--prefix', name], { address: agent.address, env })
    expectHarmless(ended)
    expect(ended.stderr).toContain('/v1/health/state')
  })

  test('is harmless on a terminal that follows a leader', async () => {
    const terminal = await Terminal.open({ address: agent.address })
    await terminal.enter(`$L leader status ${name} --watch`)
    await terminal.shows(/NODE +ROLE +HEALTH .*/)
    await terminal.shows(/frozen: .*holds nothing of an agent's/)
  })

  test('never becomes a host, an option or a second line in what scripts read', async () => {
    const hosts = await told(['hosts', '--label', name])
    expect(hosts).toMatchObject({ code: 0, stdout: '10.0.0.1\n' })
    expect(hosts.stderr).toMatch(/^consul-locker: warn: 2 of 3 hosts of \S+ left out: [^\n]*\n$/)
    expect((await told(['hosts', '--label', name, '--format', '{node}'])).stdout).toBe('n1\n')
    for (const words of [['running'], ['hosts-at', 'V1']]) {
      const ended = await told(['rollout', ...words, '--prefix', name])
      expect(ended).toMatchObject({ code: 1, stdout: '' })
      expect(ended.stderr).toContain('is no version of a host')
    }
    const current = await told(['rollout', 'current', '--prefix', `dashed-${name}`])
    expect(current).toMatchObject({ code: 1, stdout: '' })
    expect(current.stderr).toContain('what was triggered is no version')
  })

  test('keeps its secrets from those who wait for another value', async () => {
    const ended = await told(['wait', '--once', `kv:secret/${name}=yes`])
    expect(ended).toMatchObject({ code: 1 })
    expect(ended.stdout + ended.stderr).toContain('it has another value')
    expect(ended.stdout + ended.stderr).not.toContain('hunter2')
  })
})
