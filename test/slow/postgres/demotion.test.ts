import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Member, Members } from './members.ts'

let members: Members
let one: Member
let two: Member
let three: Member

beforeAll(async () => {
  members = await Members.open()
  one = members.add()
  two = members.add()
  three = members.add()
  await one.begin()
  await two.follow(one)
  await three.follow(one)
})

afterAll(() => members?.[Symbol.asyncDispose]())

test('a standby that hangs holds no demotion up, and doesn’t win: what was committed is with the other one', async () => {
  two.signal('SIGSTOP')
  try {
    // More than the connection takes: the server would wait for that one without end.
    one.write(1, 20_000)
    await one.demote()
    const note = await members.note()
    expect(note).toMatchObject({ node: 'n1', slack: 0n })
    expect(await three.ready()).toMatchObject({ ready: true })
    await three.promote()
    await expect.poll(() => three.count).toBe(20_000)
  } finally {
    two.signal('SIGCONT')
  }
  expect(await two.ready()).toMatchObject({ ready: false, message: expect.stringContaining('n3') })
  for (const other of [one, two]) await other.follow(three)
  await expect.poll(() => [one.count, two.count]).toEqual([20_000, 20_000])
})

test('a standby that hangs idly doesn’t, either', async () => {
  two.signal('SIGSTOP')
  try {
    three.write(20_001, 20_001)
    await three.demote()
    expect(await members.note()).toMatchObject({ node: 'n3', slack: 0n })
    expect(await one.ready()).toMatchObject({ ready: true })
  } finally {
    two.signal('SIGCONT')
  }
  await one.promote()
  for (const other of [two, three]) await other.follow(one)
  await expect.poll(() => two.count).toBe(20_001)
})

test('a master that is demoted serves as a standby, without a master, and takes no writes', async () => {
  const before = one.postmaster
  await one.demote()
  await expect.poll(() => one.health().then(({ role }) => role), { timeout: 20_000 }).toBe('slave')
  expect(one.postmaster).not.toBe(before)
  expect(() => one.write(0, 0)).toThrow(/read-only/)
  await one.demote()
  await one.standsBy()
  expect(await one.health('master')).toMatchObject({ healthy: false, role: 'slave' })
  await one.promote()
  expect(await one.health('master')).toMatchObject({ healthy: true, role: 'master' })
})

test('a master that can’t be stopped in time is killed; what it had before stays noted', async () => {
  await two.follow(one)
  one.write(30_000, 30_000)
  one.sql('CREATE TABLE late ()')
  const at = one.sql('SELECT pg_current_wal_flush_lsn()')
  process.kill(one.postmaster, 'SIGSTOP')
  await one.demote()
  expect((await one.health()).role).not.toBe('master')
  expect(await members.note()).toMatchObject({ node: 'n1' })
  expect(two.sql(`SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) >= '${at}'`)).toBe('t')
  await one.standsBy()
  await one.promote()
})

test('a promotion that is under way ends with the demotion', async () => {
  await one.demote()
  await two.standBy()
  // Nothing is replayed, so it can't get to its end.
  two.sql('SELECT pg_wal_replay_pause()')
  const promotion = two.promote().then(
    () => 'promoted',
    () => 'not promoted',
  )
  await two.demote()
  expect(await promotion).toMatch(/promoted/)
  await expect.poll(() => two.health().then(({ role }) => role), { timeout: 20_000 }).toBe('slave')
  expect(two.sql('SELECT pg_is_in_recovery()')).toBe('t')
})
