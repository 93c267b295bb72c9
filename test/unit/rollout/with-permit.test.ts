import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { NO_GUARDIAN } from '../../../src/child/guardian.ts'
import { createSession } from '../../../src/consul/sessions.ts'
import { transact } from '../../../src/consul/txn.ts'
import type { WireRequest } from '../../../src/consul/wire.ts'
import { releaseSlots } from '../../../src/lock/slot-locks.ts'
import type { HostRollout } from '../../../src/rollout/host-rollout.ts'
import { LocalVersion } from '../../../src/rollout/local-version.ts'
import { parseRolloutFile } from '../../../src/rollout/rollout-file.ts'
import { RolloutKeys } from '../../../src/rollout/rollout-keys.ts'
import { UpgradePermit } from '../../../src/rollout/upgrade-permit.ts'
import { newUpgradeRecord, upgradeRecordStep } from '../../../src/rollout/upgrade-record.ts'
import { WaitFile } from '../../../src/rollout/wait-file.ts'
import { type PermittedWork, type StepEnd, withPermit } from '../../../src/rollout/with-permit.ts'
import type { TransportFault } from '../../virtual/faulty-transport.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const KEYS = new RolloutKeys()
const OWN = `${KEYS.hostSlots('web1')}/1`
const CLUSTER = `${KEYS.clusterSlots}/1`
const RECORD = KEYS.inProgressOn('web1')
const STRANGER = { name: 'stranger', behavior: 'release', checks: [], ttlMs: 600_000, lockDelayMs: 0 } as const
const BACK = { verb: 'set', key: RECORD, value: 'back' } as const
const REBOOTS: StepEnd = { kind: 'rebooting', why: 'web1 reboots' }
const LOST: StepEnd = { kind: 'lost', why: `the key ${OWN} is not ours any more` }

/** web1 with a permit; `keep` records an upgrade and keeps the slots, `write` only records it. */
async function permitted() {
  const lock = virtualLock()
  const { clock, ctx, operator } = lock
  const rollout: HostRollout = {
    consul: lock.consul(),
    keys: KEYS,
    file: parseRolloutFile('r.yaml', 'upgrade: [./upgrade]\ntimeouts: {slot: 0s}'),
    host: 'web1',
    role: 'web',
    local: new LocalVersion('/nowhere/version'),
    wait: new WaitFile('/nowhere/waits'),
    environment: {},
    self: { host: 'web1', pid: 1, user: 'root' },
    connect: () => Promise.reject(new Error('nothing is to be asked')),
    startGuardian: () => NO_GUARDIAN,
  }
  const take = (as = ctx) => UpgradePermit.take(as, rollout, { cluster: 1, role: undefined }, 'one', ['step'])
  const permit = await clock.run(take())
  if (!permit) throw new Error('the slots are taken')
  const record = upgradeRecordStep(KEYS, { ...newUpgradeRecord('web1', '2', 0), version: '2' })
  const under = (permit: UpgradePermit, work: (ctx: Context, work: PermittedWork) => Promise<void>) =>
    withPermit(ctx, rollout, permit, { version: '2', runId: 'one' }, async (ctx, permitted) => {
      await work(ctx, permitted)
      return REBOOTS
    })
  const writing = (how: 'write' | 'writeAndKeep') => under(permit, (ctx, work) => work[how](ctx, [record]))
  const other = lock.consul()
  return {
    ...lock,
    permit,
    take,
    under,
    record: record.value,
    keep: () => writing('writeAndKeep'),
    write: () => writing('write'),
    wordsAt: (key: string) => Buffer.from(operator.entry(key)?.value ?? '', 'base64').toString(),
    /** The first transaction from now on meets a fault, and so somebody has time for this before the second. */
    loseFirst(kind: Exclude<TransportFault['kind'], 'answered' | 'masked'>, meanwhile: () => void = () => {}) {
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

describe('a host that is back from its reboot, with its slots kept,', () => {
  /** The slots are kept for web1, and nobody holds them. */
  async function kept() {
    const all = await permitted()
    const { clock, keep, take, wordsAt, operator } = all
    await clock.run(keep())
    const before = [OWN, CLUSTER].map(wordsAt)
    return {
      ...all,
      /** web1 has its slots again. */
      async back(): Promise<UpgradePermit> {
        const permit = await clock.run(take())
        if (!permit) throw new Error('the slots are taken')
        return permit
      },
      expectKept() {
        expect([OWN, CLUSTER].map(wordsAt)).toEqual(before)
        expect([OWN, CLUSTER].map((key) => operator.holder(key))).toEqual([undefined, undefined])
        expect(operator.sessions().map(({ name }) => name)).toEqual(['stranger'])
      },
      expectFree: () => expect([OWN, CLUSTER].map((key) => operator.entry(key))).toEqual([undefined, undefined]),
    }
  }

  /** The second claim, that of the cluster's slot. */
  const claimsCluster = ({ path, body }: WireRequest) =>
    path.startsWith('/v1/txn') && body?.includes(CLUSTER) && body.includes('"lock"')

  test.each(['cut', 'reply-lost', 'refused', 'black-hole'] as const)(
    'leaves them as it found them when the reply to a claim is lost (%s)',
    async (kind) => {
      const { clock, take, meet, expectKept } = await kept()
      meet((request) => (claimsCluster(request) ? { fault: { kind } } : {}))
      await expect(clock.run(take())).rejects.toMatchObject({ code: 'unreachable' })
      expectKept()
    },
  )

  test('leaves them so when a claim takes effect after they are given back, and the session expires', async () => {
    const { clock, take, meet, permit, operator, expectKept } = await kept()
    meet((request) => {
      if (request.path.startsWith('/v1/session/destroy')) return { fault: { kind: 'refused' } }
      return claimsCluster(request) ? { outMs: 20_000 } : {}
    })
    await expect(clock.run(take())).rejects.toMatchObject({ code: 'unreachable' })
    await clock.advance(20_000)
    expect(operator.holder(CLUSTER)).not.toBe(permit.session.id)
    expect(operator.holder(CLUSTER)).toBeDefined()
    await clock.advance(100_000)
    expectKept()
  })

  test('leaves them so when it is interrupted', async () => {
    const { clock, ctx, take, meet, expectKept } = await kept()
    const stop = new AbortController()
    meet((request) => {
      if (claimsCluster(request)) stop.abort(new Error('TERM'))
      return {}
    })
    await expect(clock.run(take({ ...ctx, signal: stop.signal }))).rejects.toThrow('TERM')
    expectKept()
  })

  test('leaves its own so when another slot is not free', async () => {
    const { clock, take, meet, lock, stranger, wordsAt, operator } = await kept()
    const own = wordsAt(OWN)
    let isTaken = false
    meet(({ path, body }) => {
      if (!isTaken && path.startsWith('/v1/txn') && body?.includes(OWN)) {
        isTaken = true
        operator.deleteKey(CLUSTER)
        lock(CLUSTER, 'theirs', stranger)
      }
      return {}
    })
    expect(await clock.run(take())).toBeUndefined()
    expect(wordsAt(OWN)).toBe(own)
    expect(operator.holder(CLUSTER)).toBe(stranger)
  })

  test('leaves them so when it is killed, and the guardian gives them back', async () => {
    const { clock, ctx, back, consul, expectKept } = await kept()
    const { session } = await back()
    session.end()
    await clock.run(releaseSlots(ctx, consul(), KEYS.slots, session.id, 60_000))
    expectKept()
  })

  test('leaves them so when it loses its session', async () => {
    const { clock, back, under, operator, expectKept } = await kept()
    const permit = await back()
    operator.destroySession(permit.session.id)
    expect(await clock.run(under(permit, (ctx, work) => work.write(ctx, [BACK])))).toMatchObject({ kind: 'lost' })
    expectKept()
  })

  test('leaves them so when nothing is to be done', async () => {
    const { clock, back, under, expectKept } = await kept()
    expect(await clock.run(under(await back(), () => Promise.resolve()))).toEqual(REBOOTS)
    expectKept()
  })

  test.each(['cut', 'refused'] as const)(
    'keeps them no more when it has said how it is (%s at first)',
    async (kind) => {
      const { clock, back, under, loseFirst, wordsAt, operator, expectFree } = await kept()
      const permit = await back()
      loseFirst(kind)
      const end = under(permit, async (ctx, work) => {
        await work.write(ctx, [BACK])
        expect(wordsAt(RECORD)).toBe('back')
        for (const key of [OWN, CLUSTER]) {
          expect(operator.holder(key)).toBe(permit.session.id)
          expect(JSON.parse(wordsAt(key))).toMatchObject({ command: ['step'], runId: 'one' })
          expect(wordsAt(key)).not.toContain('reservedFor')
        }
      })
      expect(await clock.run(end)).toEqual(REBOOTS)
      expectFree()
    },
  )

  test('says nothing when one of them was taken away from it meanwhile', async () => {
    const { clock, back, under, wordsAt, operator, record } = await kept()
    const permit = await back()
    const end = under(permit, async (ctx, work) => {
      operator.forceRelease(CLUSTER)
      await work.write(ctx, [BACK])
    })
    expect(await clock.run(end)).toMatchObject({ kind: 'lost' })
    expect(wordsAt(RECORD)).toBe(record)
  })

  test('may keep them anew', async () => {
    const { clock, back, under, expectKept, wordsAt, record } = await kept()
    const again = under(await back(), async (ctx, work) => {
      await work.write(ctx, [BACK])
      await work.writeAndKeep(ctx, [{ ...BACK, value: record ?? '' }])
    })
    expect(await clock.run(again)).toEqual(REBOOTS)
    expect(wordsAt(RECORD)).toBe(record)
    expectKept()
  })
})
