import { describe, expect, test } from 'vitest'
import type { Entry } from '../../src/consul/kv.ts'
import { parseLease } from '../../src/discovery/lease-record.ts'
import { leaderKeys } from '../../src/leader/cluster/leader-keys.ts'
import { effectiveSwitches, leaderIn, storedStateOf } from '../../src/leader/cluster/stored-state.ts'
import { parseRuns } from '../../src/run/history/runs-record.ts'
import { carriedIn, runIn } from '../../src/run/history/unended-runs.ts'
import { parseReport } from '../../src/switchover/node-report.ts'
import { parsePlan, serializePlan } from '../../src/switchover/plan-store.ts'

/** What a stranger may have written to any key. */
const ODD = [
  '',
  'null',
  'true',
  '5',
  '[]',
  '"x"',
  '{',
  '['.repeat(150_000),
  `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
  `{"a":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_001)}`,
  '{"__proto__":{"disabled":true},"constructor":5,"toString":"x"}',
  'x'.repeat(500_000),
]

/** Values, each behind what a title shows of it. */
const shown = (values: readonly string[]) =>
  values.map((value) => [value.length > 60 ? `${value.slice(0, 60)}… of ${value.length}` : value, value] as const)

const keys = leaderKeys('db')
const now = Date.parse('2026-05-04T10:00:00Z')

function entry(key: string, value: string): Entry {
  return { key, value, flags: 0n, session: 's', lockIndex: 1, createIndex: 1, modifyIndex: 2 }
}

describe('a lease', () => {
  const lease = { serviceId: 'web-1', host: 'n1', since: '2026-05-04T09:00:00Z', leaseMs: 240_000 }

  test('is read', () => expect(parseLease(JSON.stringify(lease))).toEqual(lease))

  test.each(
    shown([
      ...ODD,
      ...['serviceId', 'host', 'since', 'leaseMs'].map((field) => JSON.stringify({ ...lease, [field]: {} })),
    ]),
  )('is none when it is %s', (_, value) => expect(parseLease(value)).toBeUndefined())

  test.each([0, -1, 1e12, Number.MAX_VALUE])('of %d ms is none: nobody waits so long', (leaseMs) => {
    expect(parseLease(JSON.stringify({ ...lease, leaseMs }))).toBeUndefined()
  })
})

describe('a history of runs', () => {
  test.each(shown(ODD.filter((value) => value !== '')))('is none when it is %s', (_, value) => {
    expect(parseRuns(value)).toBe('unreadable')
  })

  test.each(shown(ODD))('has no run from a holder record that is %s', (_, value) => {
    expect([runIn(value), carriedIn(value)]).toEqual([undefined, []])
  })
})

describe("a leader's folder", () => {
  const folder = (key: string, value: string) => storedStateOf(keys, [entry(key, value)])
  const effective = (key: string, value: string) => effectiveSwitches(folder(key, value), 'n1', now)

  test.each(shown(ODD.filter((value) => !value.startsWith('{"__'))))(
    'has a lock of nobody when its record is %s',
    (_, value) => {
      expect(folder(keys.lock, value).holder).toEqual({ session: 's' })
      expect(leaderIn(folder(keys.lock, value))).toBeUndefined()
    },
  )

  test.each(
    shown([...ODD.slice(0, 10), '{"failovers":5}', '{"failovers":["soon"]}', '{"frozen":true}', '{"lastMaster":{}}']),
  )('is frozen, for there may have been too many failovers, by %s', (_, value) => {
    expect(effective(keys.cluster, value)).toMatchObject({ frozen: true, disabled: false, maintenance: false })
    expect(folder(keys.cluster, value).cluster.frozen?.why).toContain(
      `the key ${keys.cluster} holds nothing of an agent's`,
    )
  })

  test.each(shown(ODD))('has nothing switched for a node by %s', (_, value) => {
    expect(effective(`${keys.nodes}n1`, value)).toEqual({ disabled: false, maintenance: false, frozen: false })
  })

  test.each(shown(ODD))('asks nobody to step down by %s', (_, value) => {
    expect(folder(keys.stepDown, value).stepDown).toBeUndefined()
  })
})

describe('a plan of a switch', () => {
  const at = { node: 'n1', datacenter: 'dc1' }
  const plan = {
    id: 'p',
    revision: 1,
    course: 'forward',
    promote: [at],
    demote: [{ ...at, node: 'n2' }],
    skipped: [],
    swaps: [{ datacenter: 'dc1', before: '{}', after: '{}' }],
    by: 'me',
    since: '2026-05-04T09:00:00Z',
  }

  test('is read as it was written', () => {
    const text = JSON.stringify(plan)
    expect(serializePlan(parsePlan('k', text))).toBe(text)
  })

  test.each(
    shown([
      ...ODD,
      ...Object.keys(plan).map((field) => JSON.stringify({ ...plan, [field]: [[]] })),
      JSON.stringify({ ...plan, promote: [null] }),
      JSON.stringify({ ...plan, swaps: [{ datacenter: 'dc1' }] }),
      JSON.stringify({ ...plan, more: 1 }),
    ]),
  )('is none when it is %s', (_, value) => {
    expect(() => parsePlan('k', value)).toThrow('what stands at k is no plan of a switch')
  })
})

describe("a node's report", () => {
  test.each(
    shown([...ODD, '{"promote":5}', '{"promote":{"index":"x","value":"WAIT","outcome":"done"}}', '{"demote":null}']),
  )('is none when it is %s', (_, value) => expect(parseReport(value)).toEqual({}))
})
