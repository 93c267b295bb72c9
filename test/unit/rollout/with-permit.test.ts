import { describe, expect, test } from 'vitest'
import { NO_GUARDIAN } from '../../../src/child/guardian.ts'
import { createSession } from '../../../src/consul/sessions.ts'
import { transact } from '../../../src/consul/txn.ts'
import type { HostRollout } from '../../../src/rollout/host-rollout.ts'
import { LocalVersion } from '../../../src/rollout/local-version.ts'
import { parseRolloutFile } from '../../../src/rollout/rollout-file.ts'
import { RolloutKeys } from '../../../src/rollout/rollout-keys.ts'
import { UpgradePermit } from '../../../src/rollout/upgrade-permit.ts'
import { newUpgradeRecord, upgradeRecordStep } from '../../../src/rollout/upgrade-record.ts'
import { WaitFile } from '../../../src/rollout/wait-file.ts'
import { type StepEnd, withPermit } from '../../../src/rollout/with-permit.ts'
import type { Fault } from '../../virtual/faulty-transport.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const KEYS = new RolloutKeys()
const OWN = `${KEYS.hostSlots('web1')}/1`
const CLUSTER = `${KEYS.clusterSlots}/1`
const RECORD = KEYS.inProgressOn('web1')
const STRANGER = { name: 'stranger', behavior: 'release', checks: [], ttlMs: 600_000, lockDelayMs: 0 } as const
const REBOOTS: StepEnd = { kind: 'rebooting', why: 'web1 reboots' }
const LOST: StepEnd = { kind: 'lost', why: `the key ${OWN} is not ours any more` }

/** web1 with a permit; `keep` records an upgrade and keeps the slots, `write` only records it. */
async function permitted() {
  const lock = virtualLock()
  const { clock, ctx, operator } = lock
  const rollout: HostRollout = {
    consul: lock.consul(),
    keys: KEYS,
    file: parseRolloutFile('r.yaml', 'upgrade: [./upgrade]'),
    host: 'web1',
    role: 'web',
    local: new LocalVersion('/nowhere/version'),
    wait: new WaitFile('/nowhere/waits'),
    environment: {},
    self: { host: 'web1', pid: 1, user: 'root' },
    connect: () => Promise.reject(new Error('nothing is to be asked')),
    startGuardian: () => NO_GUARDIAN,
  }
  const permit = await clock.run(UpgradePermit.take(ctx, rollout, { cluster: 1, role: undefined }, 'one', ['step']))
  if (!permit) throw new Error('the slots are taken')
  const record = upgradeRecordStep(KEYS, { ...newUpgradeRecord('web1', '2', 0), version: '2' })
  const writing = (how: 'write' | 'writeAndKeep') =>
    withPermit(ctx, rollout, permit, { version: '2', runId: 'one' }, async (ctx, work) => {
      await work[how](ctx, [record])
      return REBOOTS
    })
  const other = lock.consul()
  return {
    ...lock,
    permit,
    record: record.value,
    keep: () => writing('writeAndKeep'),
    write: () => writing('write'),
    wordsAt: (key: string) => Buffer.from(operator.entry(key)?.value ?? '', 'base64').toString(),
    /** The first transaction from now on meets a fault, and so somebody has time for this before the second. */
    loseFirst(kind: Exclude<Fault['kind'], 'answered' | 'masked'>, meanwhile: () => void = () => {}) {
      let sent = 0
      lock.meet(({ path }) => {
        if (!path.startsWith('/v1/txn')) return {}
        sent += 1
        if (sent === 2) meanwhile()
        return sent === 1 ? { fault: { kind } } : {}
      })
    },
    /** Somebody else writes a key. */
    overwrite: (key: string, value: string) => void transact(ctx, other, [{ verb: 'set', key, value }]),
    /** Somebody else locks a key. */
    lock: (key: string, value: string, session: string) =>
      void transact(ctx, other, [{ verb: 'lock', key, value, session }]),
    stranger: await clock.run(createSession(ctx, other, STRANGER)),
  }
}

describe('a host that is to reboot keeps its slots', () => {
  test.each(['cut', 'reply-lost', 'refused', 'black-hole'] as const)(
    'and reboots, whatever becomes of the reply (%s)',
    async (kind) => {
      const { clock, keep, loseFirst, record, wordsAt, operator } = await permitted()
      loseFirst(kind)
      expect(await clock.run(keep())).toEqual(REBOOTS)
      expect(wordsAt(RECORD)).toBe(record)
      for (const key of [OWN, CLUSTER]) {
        expect(operator.holder(key)).toBeUndefined()
        expect(JSON.parse(wordsAt(key))).toMatchObject({ host: 'web1', command: ['reboot'], reservedFor: 'web1' })
      }
      expect(operator.sessions().map(({ name }) => name)).toEqual(['stranger'])
    },
  )

  test.each([OWN, CLUSTER, RECORD])('or else the permit is lost: somebody has deleted %s', async (key) => {
    const { clock, keep, loseFirst, operator } = await permitted()
    loseFirst('cut', () => operator.deleteKey(key))
    expect(await clock.run(keep())).toEqual(LOST)
    expect(operator.entry(key)).toBeUndefined()
  })

  test.each([OWN, CLUSTER, RECORD])('or else the permit is lost: somebody has written %s', async (key) => {
    const { clock, keep, loseFirst, overwrite, wordsAt } = await permitted()
    const value = '{"host":"web1","reservedFor":"web1"}'
    loseFirst('cut', () => overwrite(key, value))
    expect(await clock.run(keep())).toEqual(LOST)
    expect(wordsAt(key)).toBe(value)
  })

  test.each([OWN, CLUSTER, RECORD])('or else the permit is lost: somebody holds %s, whatever it says', async (key) => {
    const { clock, keep, loseFirst, lock, stranger, wordsAt, operator } = await permitted()
    loseFirst('cut', () => lock(key, wordsAt(key), stranger))
    expect(await clock.run(keep())).toEqual(LOST)
    expect(operator.holder(key)).toBe(stranger)
  })

  test('or else the permit is lost: the session ended before the write came to its effect', async () => {
    const { clock, keep, loseFirst, permit, wordsAt, operator } = await permitted()
    loseFirst('refused', () => operator.destroySession(permit.session.id))
    expect(await clock.run(keep())).toEqual(LOST)
    expect(wordsAt(RECORD)).toBe('')
    expect(wordsAt(OWN)).not.toContain('reservedFor')
  })

  test('or else the permit is lost: its first write is refused, whatever stands there', async () => {
    const { clock, keep, overwrite, record, requests, operator } = await permitted()
    overwrite(RECORD, record ?? '')
    for (const key of [OWN, CLUSTER]) operator.forceRelease(key)
    const asked = requests.length
    expect(await clock.run(keep())).toEqual(LOST)
    expect(requests.slice(asked).filter((request) => request.includes(RECORD))).toEqual([])
  })
})

describe('a write that keeps the permit', () => {
  test.each(['cut', 'refused'] as const)('is done once more when its reply is lost (%s)', async (kind) => {
    const { clock, write, loseFirst, record, wordsAt } = await permitted()
    loseFirst(kind)
    expect(await clock.run(write())).toEqual(REBOOTS)
    expect(wordsAt(RECORD)).toBe(record)
  })

  test('ends in a loss when the permit is lost before its reply, though what it wrote stands', async () => {
    const { clock, write, loseFirst, record, wordsAt, operator } = await permitted()
    loseFirst('cut', () => operator.deleteKey(OWN))
    expect(await clock.run(write())).toEqual(LOST)
    expect(wordsAt(RECORD)).toBe(record)
  })
})
