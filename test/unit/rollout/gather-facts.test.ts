import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../src/consul/kv.ts'
import { fleetRecordsOf } from '../../../src/rollout/fleet-records.ts'
import type { FleetView } from '../../../src/rollout/fleet-view.ts'
import { factsOf } from '../../../src/rollout/gather-facts.ts'
import type { HostFacts } from '../../../src/rollout/host-facts.ts'
import { roleInName } from '../../../src/rollout/host-role.ts'
import { hostsIn, limitIn, parsePercentage } from '../../../src/rollout/percentage-of-hosts.ts'
import { parseRolloutFile } from '../../../src/rollout/rollout-file.ts'
import { RolloutKeys } from '../../../src/rollout/rollout-keys.ts'

const NOW = Date.parse('2026-05-01T12:00:00Z')
const TRIGGERED = 50

/** Facts of a host of a fleet; `done` ran the version at these times, before or after it was triggered. */
function facts(
  host: string,
  file: string,
  hosts: readonly string[],
  done: Record<string, [atMs: number, index: number]> = {},
  entries: Entry[] = [],
): HostFacts {
  const running = hosts.map((name) => {
    const [atMs, index] = done[name] ?? [undefined, 7]
    return { host: name, version: done[name] ? 'V2' : 'V1', index, atMs }
  })
  const fleet: FleetView = {
    nowMs: NOW,
    target: { version: 'V2', index: TRIGGERED },
    running,
    switches: new Map(),
    records: fleetRecordsOf(new RolloutKeys(), entries, NOW),
    failing: [],
  }
  return factsOf(parseRolloutFile('r.yaml', file), fleet, {
    host,
    role: roleInName(host),
    local: 'V1',
    interrupted: '',
  })
}

const many = (role: string, count: number) => Array.from({ length: count }, (_, n) => `${role}${n + 1}`)

describe('a percentage', () => {
  test.each([
    ['10%', 100, 10, 10],
    ['10%', 19, 1, 1],
    ['10%', 9, 0, 1],
    ['0%', 100, 0, 0],
    ['100%', 7, 7, 7],
    ['34%', 3, 1, 1],
    ['50%', 0, 0, 1],
  ])('%s of %i hosts is %i, and as a limit %i', (text, all, hosts, limit) => {
    const count = parsePercentage(text) ?? 0
    expect([hostsIn(count, all), limitIn(count, all)]).toEqual([hosts, limit])
  })

  test('of the cluster counts all hosts, that of a role its own, each with the host that asks', () => {
    const hosts = [...many('web', 29), ...many('db', 10)]
    const file = 'limits: {cluster: 10%, roles: {web: 20%, db: 1}}\nmax_failures: 5%'
    expect(facts('web1', file, hosts)).toMatchObject({ limits: { cluster: 3, role: 5 }, maxFailures: 1 })
    expect(facts('web30', file, hosts)).toMatchObject({ limits: { cluster: 4, role: 6 }, maxFailures: 2 })
    expect(facts('db1', file, hosts).limits).toEqual({ cluster: 3, role: 1 })
    expect(facts('mail1', file, []).limits).toEqual({ cluster: 1, role: undefined })
  })
})

describe('the first hosts', () => {
  test.each([
    ['web2', 'first: [web1, db1]', ['web1', 'db1']],
    ['web1', 'first: [web1, web2]', []],
    ['db1', 'first: web1\ndepends_on: {web: db}', []],
    ['mq1', 'first: web1\ndepends_on: {web: db, db: mq}', []],
    ['web2', 'first: web1\ndepends_on: {web: db}', ['web1']],
    ['web1', 'first: db1\ndepends_on: {web: db}', ['db1']],
  ])('are for %s, with %j: %j', (host, file, expected) => {
    expect(facts(host, file, []).first).toEqual(expected)
  })
})

describe('a soak time', () => {
  const S = 1000
  test.each<[title: string, done: Record<string, [number, number]>, soaking: string | undefined]>([
    ['lasts from the end of the last upgrade', { web1: [NOW - 20 * S, 60], web2: [NOW - 10 * S, 70] }, 'web2 for 20 s'],
    ['is over', { web1: [NOW - 30 * S, 60] }, undefined],
    ['is not that of a host that ran the version before', { web1: [NOW - 10 * S, TRIGGERED - 1] }, undefined],
    ['is not its own', { web9: [NOW - 10 * S, 60] }, undefined],
    ['is longer when the clock of the other host is ahead', { web1: [NOW + 60 * S, 60] }, 'web1 for 90 s'],
    ['is none while nobody has been upgraded', {}, undefined],
  ])('%s', (_, done, expected) => {
    const { soaking } = facts('web9', 'soak: 30s', ['web1', 'web2', 'web3', 'web9'], done)
    expect(soaking && `${soaking.host} for ${(soaking.untilMs - NOW) / S} s`).toBe(expected)
  })
})

describe('a host that has failed', () => {
  const MINUTE = 60_000
  const failure = (host: string, agoMs: number) => ({
    key: new RolloutKeys().failedOn(host),
    value: JSON.stringify({ version: 'V2', why: 'it burns', at: new Date(NOW - agoMs).toISOString() }),
    session: undefined,
    flags: 0n,
    lockIndex: 0,
    createIndex: 1,
    modifyIndex: 60,
  })
  test.each<[title: string, file: string, agoMs: number, others: string[], first: string | undefined]>([
    ['lets those go first that may begin', 'max_failures: 1', MINUTE, [], 'web1'],
    ['but not those that failed as well', 'max_failures: 9', MINUTE, ['web1'], 'web2'],
    ['nor when the rollout has stopped for them', 'max_failures: 0', MINUTE, [], undefined],
    ['nor when it is not their time', 'max_failures: 1\nwindow: Sun 10:00-11:00', MINUTE, [], undefined],
    ['and for an hour only', 'max_failures: 1', 60 * MINUTE, [], undefined],
  ])('%s', (_, file, agoMs, others, expected) => {
    const entries = [failure('web9', agoMs), ...others.map((host) => failure(host, 0))]
    expect(facts('web9', file, ['web1', 'web2', 'web9'], {}, entries).goesFirst).toBe(expected)
  })
})
