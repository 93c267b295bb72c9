import { spawn } from 'node:child_process'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { findConsul } from '../../scripts/provide/find-consul.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { lockerEnvironment, Running, runLocker, startLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

const consul = () => new ConsulClient()

async function put(key: string, value: string, flags = '0'): Promise<void> {
  await consul().request('PUT', `/kv/${key}?flags=${flags}`, value)
}

describe('a key that is no lock', () => {
  test.each([
    ['a plain run', (key: string) => ['--key', key, 'data', 'echo', 'ran']],
    ['a run that tries once', (key: string) => ['--no-wait', '--key', key, 'data', 'echo', 'ran']],
    ['a run that waits for a while', (key: string) => ['--wait', '5s', '--key', key, 'data', 'echo', 'ran']],
  ])('keeps its data, and %s says what is wrong', async (_, words) => {
    const key = `config/${uniqueName('db')}`
    await put(key, 'precious')
    const before = await consul().entry(key)
    const ended = await runLocker(words(key))
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(
      `the key ${key} holds data and is no lock (lock another key; if nobody needs this one`,
    )
    expect(await consul().entry(key)).toEqual(before)
    expect(await consul().remains('locker data', key)).toEqual([key])
  })

  test('keeps its data from a lease', async () => {
    const label = uniqueName('data')
    await put(`lease/${label}`, 'precious')
    const ended = await runLocker(['lease', 'acquire', '--label', label, '--service-id', 'web-1'])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(`the key lease/${label} holds data and is no lock`)
    expect(await consul().value(`lease/${label}`)).toBe('precious')
    expect(await consul().sessions(label)).toEqual([])
  })

  test('is waited for no longer when it turns out to be none', async () => {
    const name = uniqueName('turned')
    const key = `consul-locker-${name}`
    const session = await consul().createSession({ Behavior: 'release', LockDelay: '0s' })
    await consul().acquire(key, session, 'web9')
    const waiter = startLocker([name, 'echo', 'ran'])
    await waiter.says(/held by web9/)
    // A plain write under a lock makes data of it when its holder is gone.
    await put(key, 'precious')
    await consul().destroySession(session)
    expect(await waiter.ends()).toMatchObject({ code: 2, stdout: '' })
    expect(await consul().value(key)).toBe('precious')
    await consul().deleteKey(key)
  })
})

describe('data where a lock would stand', () => {
  const noLock = (key: string) => expect.stringContaining(`${key} holds data, and no lock`)

  test.each([
    ['data', '0', 'hello'],
    ['flagged', '42', '{"host":"web3","runId":"r1","lockDelayMs":1000}'],
  ])('is told as %s that is no lock by whoever is asked', async (_, flags, value) => {
    const name = uniqueName('data')
    const key = `consul-locker-${name}`
    await put(key, value, flags)
    const status = await runLocker(['status', name])
    expect(status).toMatchObject({ code: 0, stdout: noLock(key) })
    expect(status.stdout).not.toMatch(/free|gave it back/)
    const json = JSON.parse((await runLocker(['status', '--json', name])).stdout)
    expect(json).toMatchObject({ kind: 'data', held: false, trouble: noLock(key), runs: [] })
    expect(await runLocker(['unlock', name])).toMatchObject({ code: 0, stderr: noLock(key) })
    expect(await runLocker(['pause', name, '--for', '1s'])).toMatchObject({ code: 0, stderr: noLock(key) })
    for (const words of [[], ['3']]) {
      const ended = await runLocker(['slots', name, ...words])
      expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(`the key ${key} holds data`) })
    }
    for (const kept of [key, `${key}=pause`]) await consul().deleteKey(kept)
  })

  test('tells of no runs, whatever it looks like', async () => {
    const name = uniqueName('data')
    const record = { host: 'web3', pid: 1, user: 'root', command: ['x'], since: '2026-01-01T00:00:00Z', runId: 'r1' }
    await put(`consul-locker-${name}`, JSON.stringify(record))
    expect(await runLocker(['history', '--json', name])).toMatchObject({ code: 0, stdout: '[]\n' })
    await consul().deleteKey(`consul-locker-${name}`)
  })

  test('is no start-up lease that nobody has', async () => {
    const label = uniqueName('data')
    await put(`lease/${label}`, 'precious')
    const ended = await runLocker(['lease', 'show', '--label', label])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(`the key lease/${label} holds data and is no lock`)
    await consul().deleteKey(`lease/${label}`)
  })
})

describe('a semaphore of consul lock', () => {
  let binary: string

  beforeAll(async () => {
    binary = await findConsul()
  })

  test('is left alone, and its holders go on', async () => {
    const prefix = `service/${uniqueName('sem')}`
    const words = ['lock', `-http-addr=${inject('consulAddress')}`, '-n', '3', '-child-exit-code', '-pass-stdin']
    const theirs = new Running(
      spawn(binary, [...words, prefix, 'echo ready; cat; echo done'], {
        env: lockerEnvironment({}),
        stdio: ['pipe', 'pipe', 'pipe'],
      }),
    )
    await theirs.prints(/ready/)
    const before = await consul().entry(`${prefix}/.lock`)
    const ended = await runLocker(['--key', `${prefix}/.lock`, 'ours', 'echo', 'ran'])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(`the key ${prefix}/.lock belongs to a semaphore and is no lock`)
    expect(await consul().entry(`${prefix}/.lock`)).toEqual(before)
    theirs.child.stdin?.end()
    expect(await theirs.ends()).toMatchObject({ code: 0, stdout: 'ready\ndone\n' })
  })
})

describe('what is recorded of a command', () => {
  const secret = '-pS3cr3t'

  async function recordOf(name: string): Promise<{ command: string[] }> {
    await consul().holder(`consul-locker-${name}`)
    return JSON.parse(await consul().value(`consul-locker-${name}`))
  }

  test('is its name: not its arguments, however many, and no waiter hears of them', async () => {
    const name = uniqueName('secret')
    const many = Array.from({ length: 60_000 }, (_, n) => String(n))
    const holder = startLocker([name, 'sh', '-c', 'cat', secret, ...many], { stdio: ['pipe', 'pipe', 'pipe'] })
    expect((await recordOf(name)).command).toEqual(['sh'])
    const waiter = startLocker([name, 'true'], { env: { DEBUG: 'true' } })
    await waiter.says(/held by \S+ \(pid \d+, sh\)/)
    expect(waiter.stderr).not.toContain(secret)
    holder.child.stdin?.end()
    expect((await holder.ends()).code).toBe(0)
    expect((await waiter.ends()).code).toBe(0)
  })

  test('is all of it, cut, for who asks for that', async () => {
    const name = uniqueName('words')
    const holder = startLocker(['--record-command', name, 'cat', '-', ...Array<string>(600).fill('-')], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const { command } = await recordOf(name)
    expect(command.slice(0, 3)).toEqual(['cat', '-', '-'])
    expect(command.join('')).toHaveLength(512)
    holder.child.stdin?.end()
    expect((await holder.ends()).code).toBe(0)
  })
})
