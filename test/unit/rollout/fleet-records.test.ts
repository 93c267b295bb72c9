import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../src/consul/kv.ts'
import { LOCK_FLAGS } from '../../../src/lock/lock-keys.ts'
import { fleetRecordsOf } from '../../../src/rollout/fleet-records.ts'
import { RolloutKeys } from '../../../src/rollout/rollout-keys.ts'

const keys = new RolloutKeys('fleet')
const NOW = Date.parse('2026-05-01T12:14:00Z')

function entry(key: string, value: string, session?: string): Entry {
  return { key, value, session, flags: 0n, lockIndex: 0, createIndex: 1, modifyIndex: 7 }
}

const BEGUN = JSON.stringify({ version: 'V2', since: '2026-05-01T12:00:00Z', boot: 'b1' })
const begun = (host: string) => entry(keys.inProgressOn(host), BEGUN)
const held = (host: string) => entry(`${keys.hostSlots(host)}/1`, '{}', 'a session')

describe('an upgrade in progress', () => {
  test('is at work while the host holds its slot', () => {
    const { failed, upgrading, inProgress } = fleetRecordsOf(keys, [begun('web1'), held('web1')], NOW)
    expect({ failed, upgrading: [...upgrading] }).toEqual({ failed: [], upgrading: ['web1'] })
    expect(inProgress.get('web1')).toMatchObject({ version: 'V2', boot: 'b1' })
  })

  test('has failed when nobody holds it', () => {
    const slot = { ...entry(`${keys.hostSlots('web1')}/1`, '{}'), flags: LOCK_FLAGS }
    expect(fleetRecordsOf(keys, [begun('web1'), slot, held('web11')], NOW).failed).toEqual([
      expect.objectContaining({ host: 'web1', version: 'V2', why: 'its upgrade began, 14m ago, and has not ended' }),
    ])
  })

  test('that is recorded as failed is told once', () => {
    const failure = entry(keys.failedOn('web1'), '{"version": "V2", "why": "it burns"}')
    expect(fleetRecordsOf(keys, [begun('web1'), failure], NOW).failed).toEqual([
      { host: 'web1', version: 'V2', why: 'it burns' },
    ])
  })

  test('that nobody can read may be one to any version', () => {
    expect(fleetRecordsOf(keys, [entry(keys.inProgressOn('web1'), '[]')], NOW).failed).toEqual([
      expect.objectContaining({ host: 'web1', version: undefined, why: 'its upgrade began and has not ended' }),
    ])
  })
})

test.each([
  [`${keys.failed}2.2.0/db2`, "is no host's record"],
  [`${keys.inProgress}2.2.0/db2`, "is no host's record"],
  [`${keys.nodes}-db2`, "is no host's record"],
  [`${keys.clusterSlots}/1`, 'is no slot'],
  [`${keys.roleSlots('db')}/1`, 'is no slot'],
  [`${keys.hostSlots('db2')}/1`, 'is no slot'],
])('what somebody has put at %s is named with its key', (key, what) => {
  expect(() => fleetRecordsOf(keys, [entry(key, '{')], NOW)).toThrow(
    expect.objectContaining({
      code: 'malformed',
      message: `what stands at the key ${key} ${what}`,
      hint: `if nobody needs it: consul kv delete ${key}`,
    }),
  )
})

test('a folder that somebody has made by hand is no host', () => {
  const folders = [keys.failed, keys.inProgress, keys.nodes, keys.slots].map((key) => entry(key, ''))
  expect(fleetRecordsOf(keys, folders, NOW)).toMatchObject({ failed: [], nodes: new Map(), inProgress: new Map() })
})
