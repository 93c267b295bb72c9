import { expect, test } from 'vitest'
import { transact } from '../../../src/consul/txn.ts'
import { leaderNames, lockNames } from '../../../src/overview/lock-names.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const SESSION = 'adf4238a-882b-9ddc-4a9d-5b6758e4159e'

/** A cluster in memory in which something stands at these keys. */
async function cluster(...keys: string[]) {
  const { clock, ctx, consul } = virtualLock({ key: 'consul-locker-unused' })
  const ops = keys.map((key) => ({ verb: 'set' as const, key, value: 'x', flags: 0n }))
  await clock.run(transact(ctx, consul(), ops))
  return {
    locks: (beginning = '') => clock.run(lockNames(ctx, consul(), beginning)),
    leaders: (beginning = '') => clock.run(leaderNames(ctx, consul(), beginning)),
  }
}

test('the names of locks are each named once, by whatever stands of them', async () => {
  const { locks } = await cluster(
    'consul-locker-backup',
    `consul-locker-backup=queue/${SESSION}`,
    'consul-locker-db/primary=runs',
    'consul-locker-web/.lock',
    `consul-locker-web/${SESSION}`,
    'consul-locker=pause',
    'other',
  )
  expect(await locks()).toEqual(['backup', 'db/primary', 'web'])
  expect(await locks('ba')).toEqual(['backup'])
  expect(await locks('x')).toEqual([])
})

test('what no lock of ours is called by is no name: a shell would do what it says', async () => {
  const { locks } = await cluster('consul-locker-$(reboot)', 'consul-locker-a;b', "consul-locker-'", 'consul-locker-ok')
  expect(await locks()).toEqual(['ok'])
})

test('the names of applications with a leader come of their locks', async () => {
  const { leaders } = await cluster('lock/redis/leader', 'lock/redis/cluster', 'lock/$(reboot)/leader', 'lock/other')
  expect(await leaders()).toEqual(['redis'])
  expect(await leaders('re')).toEqual(['redis'])
})
