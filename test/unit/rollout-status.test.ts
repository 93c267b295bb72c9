import { expect, test } from 'vitest'
import type { Entry } from '../../src/consul/kv.ts'
import type { Sight } from '../../src/rollout/facts.ts'
import { fleetStatus } from '../../src/rollout/fleet.ts'
import { fleetMetrics } from '../../src/rollout/fleet-metrics.ts'
import { fleetScreen } from '../../src/rollout/fleet-screen.ts'
import { ledgerOf } from '../../src/rollout/ledger.ts'
import { parseRolloutFile } from '../../src/rollout/rollout-file.ts'
import { RolloutKeys } from '../../src/rollout/rollout-keys.ts'

const keys = new RolloutKeys()
const NOW = Date.parse('2026-05-01T12:14:00Z')
const FILE = parseRolloutFile('r.yaml', 'depends_on: {web: db}')

const entry = (key: string, value: object, session?: string): Entry => ({
  key,
  value: JSON.stringify(value),
  session,
  flags: 0n,
  lockIndex: 0,
  createIndex: 1,
  modifyIndex: 7,
})
const begun = (host: string, more: object = {}) =>
  entry(keys.inProgressOn(host), { version: 'V2', since: '2026-05-01T12:00:00Z', boot: 'b', ...more })

function sight(versions: Record<string, string>, entries: Entry[], paused = false): Sight {
  return {
    target: { version: 'V2', index: 5 },
    running: Object.entries(versions).map(([host, version]) => ({ host, version, index: 6 })),
    switches: new Map(paused ? [['host/web9', false]] : []),
    ledger: ledgerOf(keys, entries, NOW),
    failing: [],
  }
}

const HOSTS = { db1: 'V2', db2: 'V1', db3: 'V1', web1: 'V1', web2: 'V1', web9: 'V1', mail1: 'V2' }
const ENTRIES = [
  begun('db2'),
  entry(`${keys.hostSlots('db2')}/1`, {}, 'a session'),
  begun('db3', { back_by: '2026-05-01T12:20:00Z' }),
]

test('a screen tells who runs it, who is at work since when, and who waits for what', () => {
  expect(fleetScreen(fleetStatus(FILE, sight(HOSTS, ENTRIES, true), NOW), true)).toEqual([
    'V2: 2 of 7 hosts run it',
    `[${'#'.repeat(14)}${'-'.repeat(36)}] 28%`,
    '  db        1 of 3',
    '  mail      1 of 1',
    '  web       0 of 3',
    'upgrading  db2 for 14m',
    'rebooting  db3 for 14m',
    'waiting    web1, web2',
    '           for: waiting for db2 (runs V1), db3 (runs V1)',
    'waiting    web9',
    '           for: the rollout is paused for host/web9',
  ])
})

test('a screen tells who has failed, in lines of 80 columns', () => {
  const failed = entry(keys.failedOn('db2'), { version: 'V2', why: `smoke\u001b[2J failed: ${'x'.repeat(200)}` })
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`web${n}`, 'V1']))
  const lines = fleetScreen(fleetStatus(FILE, sight({ ...HOSTS, ...many }, [failed, begun('db3')]), NOW), false)
  expect(lines).toContainEqual(expect.stringMatching(/^failed {5}db2: smoke \[2J failed: x+…$/))
  expect(lines).toContain('failed     db3: its upgrade began, 14m ago, and has not ended')
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80)
  expect(lines.length).toBeLessThan(24)
})

test('a fleet that runs the version is done', () => {
  const status = fleetStatus(FILE, sight({ db1: 'V2', web1: 'V2' }, []), NOW)
  expect(status.hosts.map(({ stand }) => stand)).toEqual(['done', 'done'])
})

test('Prometheus gets how many hosts of a role stand where', async () => {
  const text = await fleetMetrics(fleetStatus(FILE, sight(HOSTS, ENTRIES), NOW))
  expect(text).toContain('consul_locker_rollout_target{version="V2"} 1')
  expect(text).toContain('consul_locker_rollout_hosts{role="web",stand="waiting"} 3')
  expect(text).toContain('consul_locker_rollout_hosts{role="db",stand="rebooting"} 1')
})
