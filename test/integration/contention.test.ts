import { readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, type Running, runLocker, startLocker } from '../kit/locker.ts'
import { startProxy } from '../kit/proxy.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

/** Loses updates unless it runs alone. */
const increment = 'n=$(cat "$0"); sleep 0.05; echo $((n + 1)) >"$0"'

/** A runner that holds the lock until its standard input ends. */
async function startHolder(name: string): Promise<Running> {
  const holder = startLocker([name, 'cat'], { stdio: ['pipe', 'pipe', 'pipe'] })
  await new ConsulClient().holder(`consul-locker-${name}`)
  return holder
}

describe('contenders', () => {
  test.each([
    [2, 10],
    [8, 2],
  ])('lose no update of a counter: %i at once, %i times each', async (contenders, rounds) => {
    const name = uniqueName('counter')
    const file = join(scratch(), 'counter')
    writeFileSync(file, '0\n')
    const contender = async () => {
      for (let round = 0; round < rounds; round++) {
        expect(await runLocker(['-q', name, 'sh', '-c', increment, file])).toMatchObject({ code: 0, stderr: '' })
      }
    }
    await Promise.all(Array.from({ length: contenders }, contender))
    expect(Number(readFileSync(file, 'utf8'))).toBe(contenders * rounds)
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test('of different names don’t wait for each other', async () => {
    const [one, other] = [uniqueName('one'), uniqueName('other')]
    await startHolder(one)
    expect(await runLocker(['--no-wait', other, 'sh', '-c', 'exit 3'])).toMatchObject({ code: 3, stderr: '' })
  })
})

describe('a contender that doesn’t wait', () => {
  test.each([
    ['--no-wait', ['--no-wait'], {}, 1],
    ['--wait 0', ['--wait', '0'], {}, 1],
    ['CONSUL_LOCKER_NO_WAIT', [], { CONSUL_LOCKER_NO_WAIT: 'true' }, 1],
    ['-E 42', ['--no-wait', '-E', '42'], {}, 42],
    ['--conflict-exit-code 0', ['--no-wait', '--conflict-exit-code=0'], {}, 0],
    ['--wait 0.5', ['--wait', '0.5'], {}, 1],
    ['--wait 3s -E 75', ['--wait', '3s', '-E', '75'], {}, 75],
  ])('gives way and leaves the holder’s key as it is: %s', async (_, options, env, code) => {
    const name = uniqueName('busy')
    const consul = new ConsulClient()
    const holder = await startHolder(name)
    const before = await consul.entry(`consul-locker-${name}`)
    const ended = await runLocker([...options, name, 'echo', 'ran'], { env })
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(ended.stderr).toContain(`held by ${hostname()} (pid ${holder.pid}, cat)`)
    expect(await consul.entry(`consul-locker-${name}`)).toEqual(before)
    expect((await consul.sessions(name)).map(({ ID }) => ID)).toEqual([before?.Session])
    holder.child.stdin?.end()
    expect(await holder.ends()).toMatchObject({ code: 0, stderr: '' })
  })

  test('gets a lock that is free', async () => {
    for (const option of ['--no-wait', '--wait=0', '--wait=0.5']) {
      expect(await runLocker([option, uniqueName('free'), 'echo', 'ran'])).toMatchObject({ code: 0, stdout: 'ran\n' })
    }
  })
})

describe('a contender that waits', () => {
  test('names the holder, and gets the lock when that has done', async () => {
    const name = uniqueName('line')
    const holder = await startHolder(name)
    const waiter = startLocker([name, 'sh', '-c', 'exit 3'])
    const [, line] = await waiter.says(/^consul-locker: (.*)$/m)
    expect(line).toContain(`waiting for ${name}: held by ${hostname()} (pid ${holder.pid}, cat)`)
    holder.child.stdin?.end()
    expect(await waiter.ends()).toMatchObject({ code: 3, stdout: '' })
  })

  test('says nothing when it shall be quiet', async () => {
    const name = uniqueName('quiet')
    const holder = await startHolder(name)
    const consul = new ConsulClient()
    const waiter = startLocker(['--quiet', name, 'sh', '-c', 'exit 3'])
    await consul.contender(name, `consul-locker-${name}`)
    holder.child.stdin?.end()
    expect(await waiter.ends()).toMatchObject({ code: 3, stderr: '' })
  })

  test('asks nothing while nothing happens, and is woken by the release', async () => {
    const name = uniqueName('woken')
    const proxy = await startProxy()
    const holder = await startHolder(name)
    // No renewal comes in between.
    const waiter = startLocker(['--ttl', '45s', name, 'true'], { address: proxy.address })
    await waiter.says(/waiting for/)
    await patiently(
      () => proxy.requests.some((request) => request.includes('wait=')),
      () => `it does not wait: ${proxy.requests}`,
    )
    const asked = proxy.requests.length
    // Longer than any polling interval that somebody could call polite.
    await new Promise((resolve) => setTimeout(resolve, 2000))
    expect(proxy.requests.slice(asked)).toEqual([])
    holder.child.stdin?.end()
    expect((await waiter.ends()).code).toBe(0)
    expect(proxy.requests.slice(asked).filter((request) => request.includes('/v1/kv/')).length).toBeLessThanOrEqual(2)
  })

  test('makes a new session when an operator destroys its old one, and still gets the lock', async () => {
    const name = uniqueName('replaced')
    const consul = new ConsulClient()
    const key = `consul-locker-${name}`
    const holder = await startHolder(name)
    const waiter = startLocker([name, 'sh', '-c', 'exit 3'])
    const old = await consul.contender(name, key)
    await consul.destroySession(old)
    // It learns of it at its next renewal, or at its next try.
    holder.child.stdin?.end()
    expect(await waiter.ends()).toMatchObject({ code: 3 })
    expect(await consul.remains(name)).toEqual([])
  })

  test('makes a new session when its old one expired while the holder goes on', async () => {
    const name = uniqueName('renewed')
    const consul = new ConsulClient()
    const key = `consul-locker-${name}`
    const holder = await startHolder(name)
    const waiter = startLocker(['--renew', '1s', name, 'sh', '-c', 'exit 3'])
    const old = await consul.contender(name, key)
    await consul.destroySession(old)
    const other = await consul.contender(name, key, [old])
    expect(other).not.toBe(old)
    holder.child.stdin?.end()
    expect(await waiter.ends()).toMatchObject({ code: 3 })
  })

  test('gets the lock when somebody deletes the key of a holder that is no locker', async () => {
    const name = uniqueName('foreign')
    const consul = new ConsulClient()
    const other = await consul.createSession({ Name: 'somebody' })
    await consul.acquire(`consul-locker-${name}`, other, 'web7')
    const waiter = startLocker([name, 'sh', '-c', 'exit 3'])
    await waiter.says(/held by web7/)
    await consul.deleteKey(`consul-locker-${name}`)
    expect(await waiter.ends()).toMatchObject({ code: 3 })
    await consul.destroySession(other)
  })
})
