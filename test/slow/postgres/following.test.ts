import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Member, Members } from './members.ts'

const LITTLE_WAL = { max_wal_size: '32MB', min_wal_size: '32MB', wal_keep_size: '0' }

let members: Members
let one: Member
let two: Member

beforeAll(async () => {
  members = await Members.open()
  one = members.add([], LITTLE_WAL)
  two = members.add([], LITTLE_WAL)
  await one.begin()
  await two.follow(one)
})

afterAll(() => members?.[Symbol.asyncDispose]())

/** More than a master keeps without a slot. */
function writeMuch(member: Member): void {
  for (let n = 0; n < 5; n++) {
    member.write(1, 5000)
    member.sql('SELECT pg_switch_wal()')
    member.sql('CHECKPOINT')
  }
}

test('a standby that was away finds what it needs: the master keeps it in a slot', async () => {
  await two.fence()
  writeMuch(one)
  await two.follow(one)
  expect(two.has('data.old')).toBe(false)
  expect(await two.ready()).toMatchObject({ ready: true })
})

test('one whose slot is gone, and the log with it, gets a copy; the old data are kept', async () => {
  await two.fence()
  one.sql("SELECT pg_drop_replication_slot('consul_locker_n2')")
  writeMuch(one)
  await two.follow(one)
  expect(two.has('data.old')).toBe(true)
  await two.follow(one)
  expect(two.sql('SELECT status FROM pg_stat_wal_receiver')).toBe('streaming')
  await expect.poll(() => two.count).toBe(one.count)
})

test('a member that stays away doesn’t fill the master’s disk', async () => {
  await two.fence()
  one.handle(['keep_wal: 32MB'])
  writeMuch(one)
  await one.promote()
  expect(one.sql('SELECT count(*) FROM pg_replication_slots')).toBe('0')
  await two.follow(one)
  await expect.poll(() => two.count).toBe(one.count)
})

test('what keeps it from starting is no reason to copy: nothing is touched before its data are at fault', async () => {
  await two.fence()
  two.configure({ ...LITTLE_WAL, shared_buffers: 'much' })
  await expect(two.follow(one)).rejects.toThrow(/PostgreSQL doesn't start: configuration file .* contains errors/)
  two.configure(LITTLE_WAL)
  const { mtimeMs } = statSync(`${two.data}/PG_VERSION`)
  await two.follow(one)
  expect(statSync(`${two.data}/PG_VERSION`).mtimeMs).toBe(mtimeMs)
})

test('one that can’t become whole without a log that is gone gets a copy', async () => {
  await two.demote()
  await two.fence()
  // As a copy that ends without its log: it isn't whole before that is replayed.
  rmSync(two.data, { recursive: true })
  const target = `host=${one.leader.address} port=${one.leader.port} user=postgres`
  two.program('pg_basebackup', `--pgdata=${two.data}`, '--wal-method=none', '--checkpoint=fast', `--dbname=${target}`)
  one.sql("SELECT pg_drop_replication_slot('consul_locker_n2')")
  writeMuch(one)
  await expect.poll(() => two.follow(one).then(() => 'follows', String), { timeout: 100_000 }).toBe('follows')
  await expect.poll(() => two.count).toBe(one.count)
}, 120_000)

test('a standby keeps the log for the other members, too, should it become master', async () => {
  const third = members.add([], LITTLE_WAL)
  await third.follow(one)
  await two.follow(one)
  await third.fence()
  writeMuch(one)
  await two.follow(one)
  await one.demote()
  await two.promote()
  const slots = two.sql('SELECT slot_name FROM pg_replication_slots ORDER BY slot_name')
  expect(slots).toBe('consul_locker_n1\nconsul_locker_n3')
  writeMuch(two)
  await third.follow(two)
  await one.follow(two)
  expect([third, one].some((member) => member.has('data.old'))).toBe(false)
  await two.demote()
  await one.promote()
  await two.follow(one)
  await third.fence()
})

test('two that were promoted apart at the same place are not taken for one', async () => {
  await two.follow(one)
  await one.demote()
  await two.promote()
  const third = members.add([], LITTLE_WAL)
  await third.follow(two)
  await one.follow(two)
  await two.demote()
  await one.promote()
  one.write(9201, 9210)
  await one.fence()
  // As people do who give up what the others don't have.
  await expect(third.promote()).rejects.toThrow("don't go on")
  await members.forget()
  await third.promote()
  third.write(9301, 9310)
  await one.follow(third)
  await two.follow(third)
  expect(one.has('data.old')).toBe(true)
  for (const other of [one, two]) {
    await expect.poll(() => other.sql('SELECT count(*) FROM numbers WHERE number BETWEEN 9200 AND 9399')).toBe('10')
  }
  await third.demote()
  await two.promote()
  await one.follow(two)
  await third.fence()
})

test('what was rewound only half is copied, and never started before', async () => {
  await one.fence()
  writeFileSync(`${one.data}.torn`, '')
  await expect(one.standBy()).rejects.toThrow('was not rewound to the end')
  expect(await one.health()).toMatchObject({ role: 'stopped' })
  await one.follow(two)
  expect(existsSync(`${one.data}.torn`)).toBe(false)
  await expect.poll(() => one.count).toBe(two.count)
})

test('a copy that is cut short leaves the old data in use, and the next one succeeds', async () => {
  const before = one.postmaster
  await expect(one.reinit(two, 150)).rejects.toBeDefined()
  expect(one.postmaster).toBe(before)
  expect(await one.health()).toMatchObject({ healthy: true })
  await one.reinit(two)
  expect(one.postmaster).not.toBe(before)
  await expect.poll(() => one.count).toBe(two.count)
})

test('the data of another cluster are not touched before somebody says so', async () => {
  const stranger = members.add([], LITTLE_WAL)
  stranger.initdb()
  await stranger.standBy()
  const before = stranger.sql('SELECT system_identifier FROM pg_control_system()')
  await expect(stranger.follow(two)).rejects.toThrow(/another cluster's .* `leader reinit` replaces them/)
  expect(stranger.sql('SELECT system_identifier FROM pg_control_system()')).toBe(before)
  await stranger.reinit(two)
  await expect.poll(() => stranger.count).toBe(two.count)
})

test('a password comes from the file, and stands in no argument; a wrong one stops nothing', async () => {
  two.sql("ALTER USER postgres PASSWORD 'very:secret'")
  two.admit('scram-sha-256')
  two.sql('SELECT pg_reload_conf()')
  const fresh = members.add([], LITTLE_WAL)
  fresh.handle([`passfile: ${fresh.passfile('wrong')}`])
  await expect(fresh.follow(two)).rejects.toThrow(/password authentication failed/)
  fresh.handle([`passfile: ${fresh.passfile(String.raw`very\:secret`)}`])
  await fresh.follow(two)
  expect(fresh.sql('SELECT conninfo FROM pg_stat_wal_receiver')).not.toContain('secret')
  const before = fresh.postmaster
  fresh.passfile('changed')
  await fresh.fence()
  await expect(fresh.follow(two)).rejects.toThrow(/password authentication failed/)
  expect(fresh.postmaster).not.toBe(before)
  expect(await fresh.health()).toMatchObject({ healthy: true, role: 'slave' })
})
