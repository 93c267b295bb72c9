import { describe, expect, test } from 'vitest'
import type { Entry } from '../../src/consul/kv.ts'
import { ledgerOf } from '../../src/rollout/ledger.ts'
import { RolloutKeys } from '../../src/rollout/rollout-keys.ts'

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
    const { failed, atWork, inProgress } = ledgerOf(keys, [begun('web1'), held('web1')], NOW)
    expect({ failed, atWork: [...atWork] }).toEqual({ failed: [], atWork: ['web1'] })
    expect(inProgress.get('web1')).toMatchObject({ version: 'V2', boot: 'b1' })
  })

  test('has failed when nobody holds it', () => {
    const slot = entry(`${keys.hostSlots('web1')}/1`, '{}')
    expect(ledgerOf(keys, [begun('web1'), slot, held('web11')], NOW).failed).toEqual([
      expect.objectContaining({ host: 'web1', version: 'V2', why: 'its upgrade began, 14m ago, and has not ended' }),
    ])
  })

  test('that is recorded as failed is told once', () => {
    const failure = entry(keys.failedOn('web1'), '{"version": "V2", "why": "it burns"}')
    expect(ledgerOf(keys, [begun('web1'), failure], NOW).failed).toEqual([
      { host: 'web1', version: 'V2', why: 'it burns' },
    ])
  })

  test('that nobody can read may be one to any version', () => {
    expect(ledgerOf(keys, [entry(keys.inProgressOn('web1'), '[]')], NOW).failed).toEqual([
      expect.objectContaining({ host: 'web1', version: undefined, why: 'its upgrade began and has not ended' }),
    ])
  })
})
