import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Member, Members } from './members.ts'

let members: Members
let master: Member
let standby: Member
let third: Member

beforeAll(async () => {
  members = await Members.open()
  master = members.add()
  standby = members.add()
  third = members.add()
  await master.begin()
  await standby.follow(master)
  await third.follow(master)
})

afterAll(() => members?.[Symbol.asyncDispose]())

test('a master that can’t be reached is no reason to stop a standby, which may lead itself', async () => {
  const before = standby.postmaster
  await master.fence()
  await expect(standby.follow(master)).rejects.toThrow('the master n1')
  expect(standby.postmaster).toBe(before)
  expect(await standby.health()).toMatchObject({ healthy: true, role: 'slave' })
  expect(await standby.ready()).toMatchObject({ ready: true })
  await standby.promote()
  standby.write(1, 10)
  await third.follow(standby)
  await master.follow(standby)
  await expect.poll(() => [master.count, third.count]).toEqual([10, 10])
})

describe('a PostgreSQL that is down is started as a standby, though nobody leads', () => {
  const left = (member: Member, pid: number) => {
    const file = join(member.data, 'postmaster.pid')
    writeFileSync(file, `${pid}\n${member.data}\n1764380000\n5432\n\n127.0.0.1\n`)
    return file
  }
  const isUp = async (member: Member) => {
    await member.standsBy()
    expect(await member.health()).toMatchObject({ healthy: true, role: 'slave' })
  }

  test('after its machine’s death', async () => {
    await third.fence()
    expect(await third.health()).toMatchObject({ healthy: false, role: 'stopped' })
    await isUp(third)
  })

  test('when its old process id belongs to a stranger by now, who is not killed', async () => {
    await third.fence()
    const stranger = spawn('sleep', ['600'])
    onTestFinished(() => {
      stranger.kill('SIGKILL')
    })
    left(third, stranger.pid ?? 0)
    expect(await third.health()).toMatchObject({ role: 'stopped' })
    await third.fence()
    await third.demote()
    await isUp(third)
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull()
  })

  test('when it belongs to another cluster’s server by now, which goes on', async () => {
    await third.fence()
    const other = standby.postmaster
    const file = left(third, other)
    expect(await third.health()).toMatchObject({ role: 'stopped' })
    await third.fence()
    expect(readFileSync(file, 'utf8')).toContain(String(other))
    await isUp(third)
    expect(standby.postmaster).toBe(other)
    standby.write(11, 11)
  })
})

test('all of it is dead after a fence, also what outlives the first process', async () => {
  process.kill(standby.postmaster, 'SIGSTOP')
  await standby.fence()
  expect(() => standby.sql('SELECT 1')).toThrow()
  expect(await standby.health('master')).toMatchObject({ healthy: false, role: 'stopped' })
  await standby.fence()
})
