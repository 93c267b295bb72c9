import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { judgeCheck, type Membership, type Observation } from '../../../src/init/check-result.ts'
import { parseInitFile } from '../../../src/init/init-file.ts'
import { isNoop, liftNoop, setNoop } from '../../../src/init/noop-lockfile.ts'
import { serviceCommand } from '../../../src/init/service-command.ts'
import { NO_PAINT, overallState, statusBlock } from '../../../src/init/status-block.ts'

const LEAST = 'name: web\nconsul_service: webConsul\ncluster_key: cluster/production\n'
const dir = mkdtempSync(join(tmpdir(), 'consul-locker-test-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('an init script', () => {
  test('needs three keys, and manages one service of its own name', () => {
    expect(parseInitFile('web', `#!/usr/local/bin/consul-locker init\n# Provides: web\n${LEAST}`)).toMatchObject({
      name: 'web',
      local_services: ['web'],
      stop_timeout: 60_000,
      noop_expires: 600_000,
    })
  })

  test.each([
    ['a key that is missing', 'name: web\ncluster_key: c\n', 'web:1: the key consul_service is missing'],
    ['a key that there isn’t', `${LEAST}local_service: [a]\n`, 'web:4: there is no key local_service'],
    [
      'a word for a list',
      `${LEAST}local_services: apache2\n`,
      'web:4: local_services: expected a list of local services, got "apache2"',
    ],
    [
      'a bad item',
      `${LEAST}local_services:\n  - a\n  - b c\n`,
      'web:6: local_services.1: expected the name of a local service, got "b c"',
    ],
    [
      'no duration',
      `${LEAST}stop_timeout: soon\n`,
      'web:4: stop_timeout: expected a duration as 90s, 1.5m or 2h, got "soon"',
    ],
    [
      'a relative lockfile',
      `${LEAST}noop_lockfile: lock\n`,
      'web:4: noop_lockfile: expected an absolute file name, got "lock"',
    ],
    [
      'a service command with a typo',
      `${LEAST}service_command: svc {action} {servic}\n`,
      'web:4: service_command: expected systemctl, service, a template with {service} and {action}, or one for each of',
    ],
    [
      'a typo in the command of one action',
      `${LEAST}service_command: { start: "svc {Service}", stop: "true", status: "true" }\n`,
      'web:4: service_command.start: expected systemctl, service, a template with {service} and {action}, or one for',
    ],
    ...['fence {nodes}', 'fence', 'fence {node} {site}'].map((command): [string, string, string] => [
      `the fence command ${command}`,
      `${LEAST}fence_command: ${command}\n`,
      `web:4: fence_command: expected a command with {node}, and {datacenter} if need be, which switches that node off, got "${command}"`,
    ]),
    ['no YAML', `${LEAST}local_services: [a\n`, 'web:5: '],
    ['nothing at all', '# empty\n', 'web:1: expected keys with values'],
  ])('with %s is refused by file, line and key', (_, text, sentence) => {
    expect(() => parseInitFile('web', text)).toThrow(sentence)
  })

  test('leaves the variables of a shell in its commands alone', () => {
    const commands = `service_command: \${TOOL} {service} {action}\nfence_command: fence \${BMC} {node}\n`
    expect(parseInitFile('web', `${LEAST}${commands}`)).toMatchObject({ fence_command: `fence \${BMC} {node}` })
  })

  test('gives its service commands by template, for each action or for all', () => {
    const words = (line: string, action: 'start' | 'status' = 'start') =>
      serviceCommand(parseInitFile('web', `${LEAST}service_command: ${line}\n`), 'redis', action, '/bin:/usr/bin').words
    expect(words('sh -c "/opt/my tool/run {service} {action}"')).toEqual(['sh', '-c', '/opt/my tool/run redis start'])
    expect(words("{ start: 'true {service}', stop: 'true', status: 'sh is-it {service}' }", 'status')).toEqual([
      'sh',
      'is-it',
      'redis',
    ])
  })
})

describe('the noop lockfile', () => {
  const file = join(dir, 'noop')

  test('counts until it is lifted or has expired', () => {
    const now = Date.now()
    setNoop(file, 'restart', 1000, now)
    expect([isNoop(file, 10_000, now + 999), isNoop(file, 10_000, now + 1000)]).toEqual([true, false])
    // The agent, whose check reads it, is another user.
    expect(statSync(file).mode & 0o444).toBe(0o444)
    liftNoop(file)
    expect(isNoop(file, 10_000, now)).toBe(false)
  })

  test('that another tool made counts for as long from its last change', () => {
    writeFileSync(file, '')
    utimesSync(file, 100, 100)
    expect([isNoop(file, 1000, 100_500), isNoop(file, 1000, 101_500)]).toEqual([true, false])
  })

  test('doesn’t count for longer than that, whatever stands inside', () => {
    writeFileSync(file, '{"expires": "2099-01-01T00:00:00Z"}')
    utimesSync(file, 100, 100)
    expect([isNoop(file, 1000, 100_500), isNoop(file, 1000, 101_500)]).toEqual([true, false])
  })

  test('of the future doesn’t count, but for a clock that was put back a little', () => {
    writeFileSync(file, '')
    utimesSync(file, 100, 100)
    expect([isNoop(file, 600_000, 30_000), isNoop(file, 600_000, 60_000)]).toEqual([false, true])
  })

  test.each([
    ['all may write to', () => chmodSync(file, 0o666)],
    ['has another name elsewhere', () => linkSync(file, join(dir, 'elsewhere'))],
    ['is another user’s', () => chownSync(file, 65534, 65534)],
    [
      'is another user’s link',
      () => {
        renameSync(file, join(dir, 'own'))
        symlinkSync('own', file)
        lchownSync(file, 65534, 65534)
      },
    ],
  ])('that %s doesn’t count', (_, spoil) => {
    setNoop(file, 'restart', 60_000, Date.now())
    expect(isNoop(file, 60_000, Date.now())).toBe(true)
    spoil()
    expect(isNoop(file, 60_000, Date.now())).toBe(false)
    liftNoop(file)
  })
})

describe('a check', () => {
  const service = (state: Observation['state']): Observation => ({ type: 'service', name: 'web', state })
  const alone: Membership = { clustered: false }
  const node = (role: 'active' | 'standby', activePasses = false): Membership => ({
    clustered: true,
    node: 'node1',
    role,
    activePasses,
    maintainedPrimaries: [],
    isMaintained: false,
    isTakingOver: false,
    failures: [],
  })
  test.each([
    ['a node on its own that runs', 'running', alone, false, 'passing'],
    ['a node on its own that is stopped', 'stopped', alone, false, 'critical'],
    ['a primary that runs', 'running', node('active'), false, 'passing'],
    ['a primary that is stopped', 'stopped', node('active'), false, 'critical'],
    ['a primary that is stopped under a lockfile', 'stopped', node('active'), true, 'passing'],
    ['a standby that is stopped while a primary passes', 'stopped', node('standby', true), false, 'passing'],
    ['a standby that runs while a primary passes', 'running', node('standby', true), false, 'critical'],
    ['a standby that is stopped while no primary passes', 'stopped', node('standby'), false, 'critical'],
    ['a primary of whose services some run', 'mixed', node('active'), false, 'critical'],
    ['a primary that can’t be told', 'unknown', node('active'), false, 'warning'],
  ] as const)('of %s', (_, state, membership, noop, health) => {
    expect(judgeCheck(service(state), membership, noop ? 'the noop lockfile' : undefined).health).toBe(health)
  })

  test.each([
    [
      'a standby rests while a primary is in maintenance',
      { maintainedPrimaries: ['node2'] },
      /^the primary node2 is in/,
    ],
    ['a standby in maintenance rests, whoever passes', { isMaintained: true }, /^node1 is in maintenance: no switch/],
  ])('says that %s', (_, maintenance, note) => {
    const result = judgeCheck(service('stopped'), { ...node('standby'), ...maintenance } as Membership)
    expect(result).toMatchObject({ expects: 'stopped', health: 'passing', notes: [expect.stringMatching(note)] })
    const running = judgeCheck(service('running'), { ...node('standby'), ...maintenance } as Membership)
    expect(running.health).toBe('critical')
  })
})

describe('the status', () => {
  const local = (state: 'running' | 'stopped' | 'unknown') => ({ service: 'a', state, output: '' })
  const cluster = { active: [], standby: [] }
  test.each([
    [['running', 'running'], 'running'],
    [['running', 'stopped'], 'stopped'],
    [['stopped', 'unknown'], 'unknown'],
  ] as const)('of services that are %s is %s', (states, state) => {
    expect(overallState({ name: 'web', cluster, local: states.map(local) })).toBe(state)
  })

  test('says what it doesn’t know', () => {
    const status = { name: 'web', cluster: undefined, local: [local('running')] }
    expect(statusBlock(status, NO_PAINT)).toContain('    nodes.active: unknown\n    nodes.standby: unknown\n')
    expect(overallState(status)).toBe('unknown')
  })
})
