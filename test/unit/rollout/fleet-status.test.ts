import { expect, test } from 'vitest'
import { prometheusText } from '../../../src/base/prometheus.ts'
import type { Entry } from '../../../src/consul/kv.ts'
import { LOCK_FLAGS } from '../../../src/lock/lock-keys.ts'
import type { FleetGates } from '../../../src/rollout/fleet-gates.ts'
import { fleetMetrics } from '../../../src/rollout/fleet-metrics.ts'
import { fleetRecordsOf } from '../../../src/rollout/fleet-records.ts'
import { fleetScreen } from '../../../src/rollout/fleet-screen.ts'
import { type FleetStatus, fleetStatus, isStopped } from '../../../src/rollout/fleet-status.ts'
import type { FleetView } from '../../../src/rollout/fleet-view.ts'
import { parseRolloutFile, type RolloutFile } from '../../../src/rollout/rollout-file.ts'
import { RolloutKeys } from '../../../src/rollout/rollout-keys.ts'

const keys = new RolloutKeys()
const NOW = Date.parse('2026-05-01T12:14:00Z')
const FILE = parseRolloutFile('r.yaml', 'depends_on: {web: db}')

const entry = (key: string, value: object, session?: string): Entry => ({
  key,
  value: JSON.stringify(value),
  session,
  flags: LOCK_FLAGS,
  lockIndex: 0,
  createIndex: 1,
  modifyIndex: 7,
})
const begun = (host: string, more: object = {}) =>
  entry(keys.inProgressOn(host), { version: 'V2', since: '2026-05-01T12:00:00Z', boot: 'b', ...more })

function fleetView(versions: Record<string, string>, entries: Entry[], paused = false): FleetView {
  return {
    nowMs: NOW,
    target: { version: 'V2', index: 5 },
    running: Object.entries(versions).map(([host, version]) => ({ host, version, index: 6, atMs: undefined })),
    switches: new Map(paused ? [['host/web9', false]] : []),
    records: fleetRecordsOf(keys, entries, NOW),
    failing: [],
  }
}

const OPEN: FleetGates = { shut: '', onHosts: [] }
const statusOf = (file: RolloutFile, fleet: FleetView, gates = OPEN): FleetStatus =>
  fleetStatus(file, keys, fleet, gates)

const HOSTS = { db1: 'V2', db2: 'V1', db3: 'V1', web1: 'V1', web2: 'V1', web9: 'V1', mail1: 'V2' }
const ENTRIES = [
  begun('db2'),
  entry(`${keys.hostSlots('db2')}/1`, {}, 'a session'),
  begun('db3', { back_by: '2026-05-01T12:20:00Z' }),
  entry(`${keys.clusterSlots}/1`, { host: 'db2' }, 'a session'),
]

test('a screen tells who runs it, who is at work since when, and who waits for what', () => {
  expect(fleetScreen(statusOf(FILE, fleetView(HOSTS, ENTRIES, true)), true)).toEqual([
    'V2: 2 of 7 hosts run it',
    `[${'#'.repeat(14)}${'-'.repeat(36)}] 28%`,
    '  db        1 of 3',
    '  mail      1 of 1',
    '  web       0 of 3',
    'slots      1 of 1 taken',
    'upgrading  db2 for 14m',
    'rebooting  db3 for 14m',
    'waiting    web1, web2',
    '           for: waiting for db2 (runs V1), db3 (runs V1)',
    'waiting    web9',
    '           for: the rollout is paused for host/web9',
  ])
})

test('a host that has its own turn but no slot is not at work', () => {
  const turn = entry(`${keys.hostSlots('web1')}/1`, { host: 'web1' }, 'another session')
  const { hosts } = statusOf(parseRolloutFile('r.yaml', 'limits: {cluster: 1}'), fleetView(HOSTS, [...ENTRIES, turn]))
  expect(hosts.find(({ host }) => host === 'web1')).toMatchObject({ state: 'waiting', waitsFor: 'slot' })
})

test('a screen tells who has failed, in lines of 80 columns', () => {
  const failed = entry(keys.failedOn('db2'), { version: 'V2', why: `smoke\u001b[2J failed: ${'x'.repeat(200)}` })
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`web${n}`, 'V1']))
  const lines = fleetScreen(statusOf(FILE, fleetView({ ...HOSTS, ...many }, [failed, begun('db3')])), false)
  expect(lines).toContainEqual(expect.stringMatching(/^failed {5}db2: smoke \[2J failed: x+…$/))
  expect(lines).toContain('failed     db3: its upgrade began, 14m ago, and has not ended')
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80)
  expect(lines.length).toBeLessThan(24)
})

test('a fleet that runs the version is done', () => {
  const status = statusOf(FILE, fleetView({ db1: 'V2', web1: 'V2' }, []))
  expect(status.hosts.map(({ state }) => state)).toEqual(['done', 'done'])
})

const UPGRADING = [
  begun('web2'),
  entry(`${keys.hostSlots('web2')}/1`, {}, 'a session'),
  entry(`${keys.clusterSlots}/1`, { host: 'web2' }, 'a session'),
  entry(`${keys.roleSlots('db')}/1`, { reservedFor: 'db3' }),
  begun('db3', { back_by: '2026-05-01T12:20:00Z' }),
]
const FAILED = entry(keys.failedOn('web1'), { version: 'V2', why: 'it burns' })
const ALL = { web1: 'V1', web2: 'V1', db2: 'V1', db3: 'V1' }

test.each<[what: string, file: string, entries: Entry[], gates: Partial<FleetGates>, host: string, why: string]>([
  ['its turn', '{}', [], {}, 'web1', 'turn: its turn'],
  [
    'its turn, as far as can be seen from here',
    '{}',
    [],
    { onHosts: ['tcp:db:3306'] },
    'web1',
    'turn: its turn, if these are open for it: tcp:db:3306',
  ],
  ['gates', '{}', [], { shut: 'service:db (none is registered)' }, 'web1', 'gates: waiting for service:db (none'],
  [
    'a slot of the cluster',
    '{}',
    UPGRADING,
    {},
    'web1',
    'slot: waiting for a slot of the cluster: 1 of 1 taken (web2)',
  ],
  [
    'a slot of its role',
    'limits: {cluster: 5, roles: {db: 1}}',
    UPGRADING,
    {},
    'db2',
    'slot: waiting for a slot of the role db: 1 of 1 taken (db3)',
  ],
  ['a window', 'window: Sat 10:00-11:00', [], {}, 'web1', 'window: waiting for its window: Sat 10:00-11:00 UTC (opens'],
  ['the first hosts', 'first: web2', [], {}, 'web1', 'first: waiting for the first hosts: web2 (runs V1)'],
])('a host that waits for %s says so', (_, file, entries, gates, host, why) => {
  const status = statusOf(parseRolloutFile('r.yaml', file), fleetView(ALL, entries), { ...OPEN, ...gates })
  const found = status.hosts.find((one) => one.host === host)
  expect(`${found?.waitsFor}: ${found?.why}`).toContain(why)
})

test('a host whose machine is dead is told apart from those that wait', () => {
  const serfHealth = {
    Node: 'web2',
    CheckID: 'serfHealth',
    Name: 'Serf',
    Status: 'critical',
    Output: '',
    ServiceName: '',
  } as const
  const status = statusOf(FILE, { ...fleetView(HOSTS, []), failing: [serfHealth] })
  expect(status.hosts.find(({ host }) => host === 'web2')).toMatchObject({ state: 'dead', why: 'it ran V1' })
  expect(fleetScreen(status, false)).toContain('dead       web2: it ran V1')
})

test.each<[title: string, file: string, hosts: Record<string, string>, entries: Entry[], stopped: boolean]>([
  ['is done', '{}', { web1: 'V2' }, [], false],
  ['has stopped when one has failed', '{}', { web1: 'V1', web2: 'V1' }, [FAILED], true],
  ['has stopped when the only one left has failed', '{}', { web1: 'V1', web2: 'V2' }, [FAILED], true],
  ['goes on when one may fail', 'max_failures: 1', { web1: 'V1', web2: 'V1' }, [FAILED], false],
  [
    'has stopped when its canary has failed',
    'max_failures: 1\nfirst: web1',
    { web1: 'V1', web2: 'V1' },
    [FAILED],
    true,
  ],
  ['goes on while one is at work', '{}', { web1: 'V1', web2: 'V1', db1: 'V1' }, [FAILED, ...UPGRADING], false],
  ['waits, but has not stopped', 'first: web1', { web1: 'V1', web2: 'V1' }, [], false],
])('a rollout %s', (_, file, hosts, entries, stopped) => {
  expect(isStopped(statusOf(parseRolloutFile('r.yaml', file), fleetView(hosts, entries)))).toBe(stopped)
})

test('Prometheus gets how many hosts of a role are in which state, what they wait for, and how full the slots are', () => {
  const text = prometheusText(fleetMetrics(statusOf(FILE, fleetView(HOSTS, ENTRIES))))
  expect(text).toContain('consul_locker_rollout_target{version="V2"} 1')
  expect(text).toContain('consul_locker_rollout_hosts{role="web",state="waiting"} 3')
  expect(text).toContain('consul_locker_rollout_waiting{role="web",for="dependencies"} 3')
  expect(text).toContain('consul_locker_rollout_waiting{role="web",for="window"} 0')
  expect(text).toContain('consul_locker_rollout_work_seconds{host="db2"} 840')
  expect(text).toContain('consul_locker_rollout_slots{role=""} 1')
  expect(text).toContain('consul_locker_rollout_slots_taken{role=""} 1')
  expect(text).toContain('consul_locker_rollout_hosts{role="db",state="rebooting"} 1')
})

test.each(['', 'limits: {roles: {web: 10%, db: 1}}', 'soak: 10m'])(
  'all hosts are gone through as often for many as for few: %s',
  (text) => {
    const file = parseRolloutFile('r.yaml', `depends_on: {web: db}\n${text}`)
    const readings = (hosts: number) => {
      const names = Array.from({ length: hosts }, (_, n) => `${n % 2 ? 'web' : 'db'}${n}`)
      const fleet = fleetView(Object.fromEntries(names.map((name) => [name, 'V1'])), [])
      let count = 0
      const running = new Proxy(fleet.running, {
        get(all, name, receiver) {
          if (typeof Reflect.get(all, name) === 'function') count += 1
          return Reflect.get(all, name, receiver)
        },
      })
      const counting: FleetView = { ...fleet, running }
      expect(statusOf(file, counting).hosts).toHaveLength(hosts)
      return count
    }
    expect(readings(200)).toBe(readings(20))
  },
)
