import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { storedAs } from '../../src/consul/stored-value.ts'
import { leaseKey, parseLease } from '../../src/discovery/lease-record.ts'
import { parseTokenRecord } from '../../src/discovery/token-list.ts'
import { NOTE } from '../../src/leader/application/note.ts'
import { CLUSTER_SWITCHES, NODE_SWITCHES, STEP_DOWN } from '../../src/leader/cluster/cluster-switches.ts'
import { HISTORY } from '../../src/leader/cluster/leader-history.ts'
import { leaderKeys } from '../../src/leader/cluster/leader-keys.ts'
import { REINIT_REQUEST } from '../../src/leader/cluster/reinit-request.ts'
import { type ListForm, READERS_FORM, SEMAPHORE_FORM } from '../../src/lock/holder-list.ts'
import { parseHolderRecord, parseWaiterRecord } from '../../src/lock/holder-record.ts'
import { ALL_PAUSED_KEY, keyOfName, pauseKeyOf, slotsKey } from '../../src/lock/lock-keys.ts'
import { PAUSE } from '../../src/lock/pause.ts'
import { readersPlace } from '../../src/lock/readers.ts'
import { contenderKey, markerValue } from '../../src/lock/semaphore-view.ts'
import { slotsPlace } from '../../src/lock/slots.ts'
import { parseFailure } from '../../src/rollout/failures.ts'
import { RolloutKeys } from '../../src/rollout/rollout-keys.ts'
import { parseUpgradeRecord } from '../../src/rollout/upgrade-record.ts'
import { parseRuns, runsKey } from '../../src/run/history/runs-record.ts'
import { flagKey } from '../../src/switchover/flags.ts'
import { parseReport, reportKey } from '../../src/switchover/node-report.ts'
import { parsePlan, planKey } from '../../src/switchover/plan-store.ts'
import { parseCluster } from '../../src/switchover/roles.ts'

const DOCUMENT = 'docs/kv-layout.md'
const TEXT = readFileSync(join(import.meta.dirname, '../..', DOCUMENT), 'utf8').replaceAll('2026-…', '2026-11-28')

/** All JSON objects that stand there as values. */
const VALUES = [...TEXT.matchAll(/`(\{".*?\})`|^(\{".*\})$/gm)].map(([, quoted, block]) => quoted ?? block ?? '')

describe(`what ${DOCUMENT} says`, () => {
  const rollout = new RolloutKeys()
  const leader = leaderKeys('<name>')
  const lock = 'consul-locker-<name>'
  const slots = slotsPlace(slotsKey(lock, false), lock)
  test.each([
    runsKey('consul-locker-<name>'),
    ALL_PAUSED_KEY,
    `${pauseKeyOf(keyOfName('x')).replace('-x=', '-<name>=')}`,
    leader.lock,
    leader.cluster,
    `${leader.nodes}<node>`,
    leader.stepDown,
    leader.promotion,
    leader.note,
    `${leader.positions}<node>`,
    leader.history,
    `${leader.reinit}<node>`,
    flagKey('<service>', '<node>', 'promote'),
    flagKey('<service>', '<node>', 'demote'),
    reportKey('<service>', '<node>'),
    planKey('<service>'),
    leaseKey('<label>'),
    slots.list,
    contenderKey(slots, '<session>'),
    slots.marker ?? '',
    `${slots.list}=queue`,
    contenderKey(readersPlace(lock), '<session>'),
    rollout.current,
    rollout.runningOf('<version>', '<host>'),
    `${rollout.config}global/enable_puppet`,
    `${rollout.hostSlots('<host>')}/1`,
    `${rollout.roleSlots('<role>')}/<n>`,
    `${rollout.clusterSlots}/<n>`,
    rollout.inProgressOn('<host>'),
    rollout.failedOn('<host>'),
    rollout.forced,
    rollout.nodeOf('<host>'),
  ])('has the key %s', (key) => {
    expect(TEXT).toContain(`\`${key}\``)
  })

  test('has every key and folder of a leader and of a rollout', () => {
    const getters = Object.entries(Object.getOwnPropertyDescriptors(RolloutKeys.prototype)).filter(([, { get }]) => get)
    const keys = [...getters.map(([name]) => String(rollout[name as keyof RolloutKeys])), ...Object.values(leader)]
    expect(keys.length).toBeGreaterThan(10)
    expect(keys.filter((key) => !TEXT.includes(`\`${key}`))).toEqual([])
  })

  test.each<[string, (text: string) => unknown]>([
    ['a holder record', (text) => parseHolderRecord(text)],
    ['a waiter', (text) => parseWaiterRecord(text)],
    ['a history of runs', (text) => parseRuns(text)],
    ['a pause', (text) => storedAs(PAUSE, text)],
    ['a cluster of leader', (text) => storedAs(CLUSTER_SWITCHES, text)],
    ['a node of leader', (text) => storedAs(NODE_SWITCHES, text)],
    ['a history of masters', (text) => storedAs(HISTORY, text)],
    ['a request to take data', (text) => storedAs(REINIT_REQUEST, text)],
    ['a step-down', (text) => storedAs(STEP_DOWN, text)],
    ['a plan', (text) => parsePlan('key', text)],
    ['a report', (text) => parseReport(text)],
    ['a lease', (text) => parseLease(text)],
    ['a semaphore', (text) => rewritten(SEMAPHORE_FORM, text)],
    ['readers', (text) => rewritten(READERS_FORM, text)],
    ['a marker', (text) => (text === markerValue(slots) ? JSON.parse(text) : undefined)],
  ])('has a value that the code reads as %s, whole', (_, read) => {
    expect(
      VALUES.filter((text) =>
        isDeepStrictEqual(
          attempt(() => read(text)),
          JSON.parse(text),
        ),
      ),
    ).toHaveLength(1)
  })

  test('has values that the code reads with other names for their fields', () => {
    const all = <T>(read: (text: string) => T) => VALUES.map((text) => attempt(() => read(text)))
    expect(all((text) => storedAs(NOTE, text))).toContainEqual({
      node: 'web1',
      history: '…',
      position: 1234n,
      slack: 0n,
      token: '…',
    })
    expect(all((text) => parseUpgradeRecord('web1', text))).toContainEqual(
      expect.objectContaining({ version: '2.1.0', sinceMs: expect.any(Number), boot: expect.any(String) }),
    )
    expect(all((text) => parseFailure('web1', text))).toContainEqual(expect.objectContaining({ version: '2.2.0' }))
    expect(all((text) => parseTokenRecord('key', text).servers.size)).toContain(1)
    expect(all((text) => parseCluster('key', text, 'node1').roles.active)).toContainEqual(['node1'])
  })
})

/** What a list says, written anew. */
function rewritten(form: ListForm, text: string): unknown {
  const list = form.parse(text)
  return list && JSON.parse(form.encode(list))
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
