import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LocalVersion } from '../../../src/rollout/local-version.ts'
import { pausedBy } from '../../../src/rollout/pauses.ts'
import { parseRolloutFile } from '../../../src/rollout/rollout-file.ts'
import { checkKeyWord, RolloutKeys } from '../../../src/rollout/rollout-keys.ts'
import { WaitFile } from '../../../src/rollout/wait-file.ts'
import { scratch } from '../../kit/unique.ts'

test('keys are those of the original, below a prefix if there is one', () => {
  const keys = new RolloutKeys()
  expect([keys.current, keys.runningOf('V1', 'web1'), keys.config]).toEqual([
    'current_version',
    'running_version/V1/web1',
    'config_state/',
  ])
  expect(new RolloutKeys('fleet/a/').runningOf('V1', 'web1')).toBe('fleet/a/running_version/V1/web1')
  for (const prefix of ['/', '/a', 'a//b', 'a b', '..']) expect(() => new RolloutKeys(prefix)).toThrow(/prefix/)
})

test.each(['', 'V 1', 'a/b', '..', 'é', 'x'.repeat(129), 'V1\n', '-V1', '--'])('%j is no version', (word) => {
  expect(() => checkKeyWord('version', word)).toThrow(/^the version /)
})

test.each(['1.2.3', '2015-03-01_14:00', 'v1.0~rc1+git.abc'])('%s is a version', (word) => {
  expect(checkKeyWord('version', word)).toBe(word)
})

describe('a pause', () => {
  test.each<[string, Record<string, boolean>, string | undefined]>([
    ['is none while nothing is said', {}, undefined],
    ['of all counts for every host', { global: false }, 'global'],
    ['of a role counts for its hosts', { global: true, 'role/web': false }, 'role/web'],
    ['of another role does not', { 'role/db': false }, undefined],
    ['of all gives way to a word for the role', { global: false, 'role/web': true }, undefined],
    ['of the role gives way to a word for the host', { 'role/web': false, 'host/web1': true }, undefined],
    ['of the host counts whatever else is said', { global: true, 'role/web': true, 'host/web1': false }, 'host/web1'],
  ])('%s', (_title, switches, by) => {
    expect(pausedBy(new Map(Object.entries(switches)), 'web1', 'web')).toBe(by)
  })
})

describe('a wait', () => {
  const HOUR = 3_600_000

  test('is told after an hour, two and four, and begins anew with another version', () => {
    const wait = new WaitFile(join(scratch(), 'waiting'))
    const told = (version: string, hours: number) => wait.note(version, hours * HOUR)
    expect([100, 100.9, 101, 101.5, 102, 103, 104.5].map((at) => told('V2', at))).toEqual([
      undefined,
      undefined,
      HOUR,
      undefined,
      2 * HOUR,
      undefined,
      4.5 * HOUR,
    ])
    expect([told('V3', 105), told('V3', 106)]).toEqual([undefined, HOUR])
    wait.end()
    expect(told('V3', 107)).toBeUndefined()
  })

  test('begins anew when the clock was put back, or what is noted makes no sense', () => {
    const file = join(scratch(), 'waiting')
    const wait = new WaitFile(file)
    wait.note('V2', 100 * HOUR)
    expect([wait.note('V2', 10 * HOUR), wait.note('V2', 11 * HOUR)]).toEqual([undefined, HOUR])
    writeFileSync(file, 'V2 soon')
    expect([wait.note('V2', 20 * HOUR), wait.note('V2', 21 * HOUR)]).toEqual([undefined, HOUR])
  })
})

describe('the local version', () => {
  test('is empty until it is written, and the mark of an upgrade stands beside it', () => {
    const dir = scratch()
    const local = new LocalVersion(join(dir, 'current_version'))
    expect([local.read(), local.interrupted()]).toEqual(['', ''])
    local.begin('V2')
    local.write('V2')
    expect([local.read(), local.interrupted()]).toEqual(['V2', 'V2'])
    local.end()
    expect(local.interrupted()).toBe('')
    expect(readdirSync(dir)).toEqual(['current_version'])
  })

  test('stays what it was when it can’t be written', () => {
    const dir = scratch()
    mkdirSync(join(dir, 'current_version'))
    const local = new LocalVersion(join(dir, 'current_version'))
    expect(() => local.write('V2')).toThrow(/can't be written/)
    expect(() => local.read()).toThrow(/can't be read/)
    expect(readdirSync(dir)).toEqual(['current_version'])
    expect(() => new LocalVersion(join(dir, 'no/such/file')).write('V2')).toThrow(/can't be written/)
    expect(existsSync(join(dir, 'no'))).toBe(false)
  })

  test('that is no version is refused', () => {
    const file = join(scratch(), 'current_version')
    writeFileSync(file, 'a/b\n')
    expect(() => new LocalVersion(file).read()).toThrow(/is no version: "a\/b" has the character/)
  })

  test('of a file with blanks around it is the version', () => {
    const file = join(scratch(), 'current_version')
    writeFileSync(file, ' V1 \n\n')
    expect(new LocalVersion(file).read()).toBe('V1')
  })
})

describe('a rollout file', () => {
  test('may be empty of all but what is wanted, and is careful then', () => {
    expect(parseRolloutFile('r.yaml', 'upgrade: [apt-get update, [puppet, agent]]')).toMatchObject({
      version_file: '/etc/current_version',
      limits: { cluster: 1, roles: {} },
      upgrade: [{ run: 'apt-get update', ok: [], reboot: [] }, { run: ['puppet', 'agent'] }],
      reboot: { always: false, command: ['systemctl', 'reboot'], within: 900_000 },
      fix: [],
      max_failures: 0,
      window: [],
      first: [],
      soak: 0,
      gates: [],
      stop_on: 'upgraded',
      checks: { upgrade: 'puppet', validation: 'validation' },
      timeouts: { upgrade: 1_800_000, slot: 0, gates: 0 },
    })
  })

  test.each([
    [
      'limits: {cluster: -1}',
      'r.yaml:1: limits.cluster: expected how many at a time, a whole number up to 1000 or a percentage as 10%; 0 for none, got -1',
    ],
    ['limits: {cluster: 1000000000}', 'limits.cluster: expected how many at a time, a whole number up to 1000 or'],
    ['limits:\n  roles: {web: two}', 'r.yaml:2: limits.roles.web: expected how many'],
    ['upgrade: apt-get update', 'r.yaml:1: upgrade: expected a list of commands'],
    ['upgrade: [[]]', 'r.yaml:1: upgrade.0: expected a list of commands'],
    ['validate: tests', 'r.yaml:1: validate: expected an absolute file name'],
    ['validate: {dir: /t, regex: "("}', 'r.yaml:1: validate'],
    ['depends_on: {web: web}', 'r.yaml:1: depends_on: these roles would wait for each other: web > web'],
    [
      'upgrade: []\ndepends_on: {a: b, b: [x, c], c: b}',
      'r.yaml:2: depends_on: these roles would wait for each other: b > c > b',
    ],
    ['roles: [web, db]\nlimits: {roles: {wbe: 1}}', 'r.yaml:2: limits: wbe is none of the roles: web, db'],
    ['roles: [web]\ndepends_on: {web: db}', 'r.yaml:2: depends_on: db is none of the roles: web'],
    ['roles: [web]\nrole: db', 'r.yaml:2: role: db is none of the roles: web'],
    ['gates: [mysql]', 'r.yaml:1: gates.0: expected a gate as service:mysql'],
    ['depends_on: {web: [1]}', 'r.yaml:1: depends_on.web'],
    ['stop_on: some', 'r.yaml:1: stop_on: expected upgraded or any, got "some"'],
    ['timeouts: {fix: soon}', 'r.yaml:1: timeouts.fix: expected a duration'],
    ['timeouts: {upgrade: 0}', 'r.yaml:1: timeouts.upgrade: expected a time longer than 0, as 90s, 1.5m or 2h, got 0'],
    ['timeouts: {validate: 0s}', 'r.yaml:1: timeouts.validate: expected a time longer than 0'],
    ['timeouts:\n  fix: 0m', 'r.yaml:2: timeouts.fix: expected a time longer than 0'],
    ['- upgrade', 'r.yaml:1: expected keys with values, as name: myservice'],
    ['limits:\n  - 2', 'r.yaml:2: limits: expected keys with values, got [2]'],
    ['limits: 2', 'r.yaml:1: limits: expected keys with values, got 2'],
    ['limits:\n  cluster: 2\n  roles: [web]', 'r.yaml:3: limits.roles: expected keys with values, got ["web"]'],
    ['limits: {roles: [2]}', 'r.yaml:1: limits.roles: expected keys with values, got [2]'],
    ['limits: {roles: }', 'r.yaml:1: limits.roles: expected keys with values, got null'],
    ['depends_on: [db]', 'r.yaml:1: depends_on: expected keys with values, got ["db"]'],
    ['upgrades: []', 'r.yaml:1: there is no key upgrades'],
    ['limits: {cluster: 101%}', 'r.yaml:1: limits.cluster: expected how many at a time'],
    ['limits: {cluster: 1.5%}', 'r.yaml:1: limits.cluster: expected how many at a time'],
    ['limits:\n  roles: {web: ten%}', 'r.yaml:2: limits.roles.web: expected how many at a time'],
    ['max_failures: -1', 'r.yaml:1: max_failures: expected how many hosts may fail'],
    ['max_failures: few', 'r.yaml:1: max_failures: expected how many hosts may fail'],
    ['window: always', 'r.yaml:1: window: expected a window as Mon-Fri 09:00-16:00'],
    ['upgrade: []\nwindow: [Mon-Fri 09:00-16:00, Mo 9-12]', 'r.yaml:2: window'],
    ['window: Mon-Fri 09:00-16:00 Europe/Berlyn', 'r.yaml:1: window: expected a window'],
    ['first: {host: web1}', 'r.yaml:1: first: expected the name of a host, or a list of names'],
    ['first: [web 1]', 'r.yaml:1: first'],
    ['soak: a while', 'r.yaml:1: soak: expected a duration'],
    ['prefix: /a', 'r.yaml:1: prefix: expected a folder'],
  ])('%j is refused with the line and the key', (text, sentence) => {
    expect(() => parseRolloutFile('r.yaml', text)).toThrow(sentence)
  })
})
