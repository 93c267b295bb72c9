import { describe, expect, inject, test } from 'vitest'
import { ConsulClient } from '../../kit/consul-client.ts'
import { type Diagnosis, diagnose } from '../../kit/doctor.ts'
import { patiently, runLocker, startLocker } from '../../kit/locker.ts'
import { uniqueName } from '../../kit/unique.ts'

const consul = () => new ConsulClient()
const look = (...words: string[]): Promise<Diagnosis> => diagnose(inject('consulAddress'), words)

/** Looks until something is found. */
async function found(...words: string[]): Promise<Diagnosis> {
  const find = async () => {
    const diagnosis = await look(...words)
    return diagnosis.found.length > 0 ? diagnosis : undefined
  }
  return (await patiently(find, () => `nothing is found about ${words.join(' ')}`)) as Diagnosis
}

describe.concurrent('doctor NAME', () => {
  test('names a key that is no lock', async () => {
    const key = `config/${uniqueName('db')}`
    await consul().request('PUT', `/kv/${key}`, 'precious')
    const { exit, found, said } = await look('data', '--key', key)
    expect([exit, found]).toEqual([1, ['CL601 failure']])
    expect(said('CL601')).toContain(`${key} holds data and is no lock`)
    expect(await consul().value(key)).toBe('precious')
  })

  test('names a pause, and who paused', async () => {
    const name = uniqueName('paused')
    expect(await runLocker(['pause', name, '--for', '1h', '--reason', 'the disk is replaced'])).toMatchObject({
      code: 0,
    })
    const { exit, found, said } = await look(name)
    expect([exit, found]).toEqual([0, ['CL602 warning']])
    expect(said('CL602')).toMatch(/by \S+@\S+: the disk is replaced/)
    await runLocker(['resume', name])
    expect((await look(name)).found).toEqual([])
  })

  test('names who holds it, and those who wait', async () => {
    const name = uniqueName('held')
    const holder = startLocker([name, 'sleep', '60'])
    await consul().holder(`consul-locker-${name}`)
    const first = await look(name)
    expect([first.exit, first.found]).toEqual([0, ['CL603 warning']])
    expect(first.said('CL603')).toMatch(/held by \S+ \(pid \d+, sleep\) for /)
    const waiter = startLocker([name, 'true'])
    await waiter.says(/waiting for/)
    expect((await look(name)).found).toEqual(['CL603 warning', 'CL605 warning'])
    holder.kill('SIGTERM')
    expect(await waiter.ends()).toMatchObject({ code: 0 })
    expect((await look(name)).found).toEqual([])
  })

  test('names a lock-delay as long as it lasts', async () => {
    const name = uniqueName('delayed')
    const holder = startLocker([name, 'sleep', '60'])
    await consul().destroySession(await consul().holder(`consul-locker-${name}`))
    expect(await holder.ends()).toMatchObject({ code: 6 })
    const { exit, found, said } = await look(name)
    expect([exit, found]).toEqual([0, ['CL604 warning']])
    expect(said('CL604')).toMatch(/closed: until \d\d:\d\d:\d\dZ at the latest/)
  })

  test('names slots that are all taken, and another number of them', async () => {
    const name = uniqueName('slots')
    const holder = startLocker(['--slots', '1', name, 'sleep', '60'])
    const full = await found(name, '--slots', '1')
    expect([full.exit, full.found]).toEqual([0, ['CL606 warning']])
    expect((await look(name, '--slots', '2')).found).toEqual(['CL606 failure'])
    expect((await look(name)).found).toEqual(['CL601 failure'])
    holder.kill('SIGTERM')
    await holder.ends()
    expect((await look(name, '--slots', '1')).found).toEqual([])
  })

  test('names readers to a writer, and to a reader none', async () => {
    const name = uniqueName('shared')
    const reader = startLocker(['--shared', name, 'sleep', '60'])
    const { exit, found: codes } = await found(name)
    expect([exit, codes]).toEqual([0, ['CL603 warning']])
    expect((await look(name, '--shared')).found).toEqual([])
    reader.kill('SIGTERM')
    await reader.ends()
  })

  test('names a period that is done, by the history', async () => {
    const name = uniqueName('period')
    expect(await runLocker(['--once-per', '1h', name, 'true'])).toMatchObject({ code: 0 })
    const { exit, found, said } = await look(name, '--once-per', '1h')
    expect([exit, found]).toEqual([0, ['CL607 warning']])
    expect(said('CL607')).toMatch(/the last one started .* on \S+ \(exit 0\); once per 1h/)
    const untold = await look(name)
    expect(untold.found).toEqual([])
    expect(untold.said('CL607')).toContain('give that period')
  })

  test('changes nothing', async () => {
    const name = uniqueName('untouched')
    await look(name, '--once-per', '1h')
    await look(name, '--slots', '3')
    expect(await consul().remains(name)).toEqual([])
  })

  test('wants a name for what is that of a lock', async () => {
    const ended = await runLocker(['doctor', '--slots', '3'])
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('no lock is named') })
  })
})
