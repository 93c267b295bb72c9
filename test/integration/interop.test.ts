import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { afterTest } from '../kit/after-test.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { consulLock } from '../kit/consul-lock.ts'
import { runLocker, startLocker } from '../kit/locker.ts'
import { runs } from '../kit/processes.ts'
import { uniqueName } from '../kit/unique.ts'
import { leavesNothing, startWitness } from '../kit/witness.ts'

const piped = { stdio: ['pipe', 'pipe', 'pipe'] as 'pipe'[] }

describe('consul lock on the same key', () => {
  test('keeps us out while it holds, and lets us in when it has done', async () => {
    const prefix = `service/${uniqueName('interop')}`
    const key = `${prefix}/.lock`
    const theirs = await consulLock(prefix, 'echo ready; cat')
    await theirs.prints(/ready/)
    expect(await runLocker(['--no-wait', '--key', key, 'ours', 'echo', 'ran'])).toMatchObject({ code: 1, stdout: '' })
    const ours = startLocker(['--key', key, 'ours', 'sh', '-c', 'exit 3'])
    await ours.says(/waiting for ours: held by/)
    theirs.child.stdin?.end()
    expect(await theirs.ends()).toMatchObject({ code: 0 })
    expect(await ours.ends()).toMatchObject({ code: 3 })
  })

  test('is kept out while we hold, and gets in when we have done', async () => {
    const prefix = `service/${uniqueName('interop')}`
    const key = `${prefix}/.lock`
    const ours = startLocker(['--key', key, uniqueName('ours'), 'cat'], piped)
    await new ConsulClient().holder(key)
    const shut = await consulLock('-try=500ms', prefix, 'echo ran')
    expect(await shut.ends()).toMatchObject({ code: 1, stdout: '' })
    const theirs = await consulLock(prefix, 'echo ran')
    await new ConsulClient().contender(prefix, key)
    ours.child.stdin?.end()
    expect(await ours.ends()).toMatchObject({ code: 0, stderr: '' })
    expect(await theirs.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
  })
})

/** The requests that the Bash consul-locker makes, one by one, by curl. */
class BashLocker {
  readonly #consul = new ConsulClient()
  readonly #name: string
  readonly #key: string
  #session = ''

  constructor(name: string) {
    this.#name = name
    this.#key = `consul-locker-${name}`
  }

  async open(): Promise<void> {
    this.#session = await this.#consul.createSession({ Name: `consul-lock ${this.#name}`, TTL: '15s' })
    afterTest(async () => void (await this.#consul.destroySession(this.#session)))
  }

  acquire(): Promise<boolean> {
    return this.#consul.acquire(this.#key, this.#session, hostname())
  }

  async cleanUp(): Promise<void> {
    await this.#consul.request('DELETE', `/kv/${this.#key}?acquire=${this.#session}`)
    await this.#consul.destroySession(this.#session)
  }
}

describe('the Bash consul-locker on the same name', () => {
  test('keeps us out while it holds, and lets us in when it has cleaned up', async () => {
    const name = uniqueName('bash')
    const theirs = new BashLocker(name)
    await theirs.open()
    expect(await theirs.acquire()).toBe(true)
    expect(await runLocker(['--no-wait', name, 'echo', 'ran'])).toMatchObject({ code: 1, stdout: '' })
    const ours = startLocker([name, 'sh', '-c', 'exit 3'])
    await ours.says(new RegExp(`waiting for ${name}: held by ${hostname()}`))
    await theirs.cleanUp()
    expect(await ours.ends()).toMatchObject({ code: 3 })
  })

  test('is kept out while we hold, and gets in when we have done', async () => {
    const name = uniqueName('bash')
    const theirs = new BashLocker(name)
    const ours = startLocker([name, 'cat'], piped)
    await new ConsulClient().holder(`consul-locker-${name}`)
    await theirs.open()
    expect(await theirs.acquire()).toBe(false)
    ours.child.stdin?.end()
    expect(await ours.ends()).toMatchObject({ code: 0, stderr: '' })
    expect(await theirs.acquire()).toBe(true)
  })

  test('can’t free our lock: its loser deletes the key, and we take it again', async () => {
    const name = uniqueName('bash')
    const theirs = new BashLocker(name)
    const ours = startLocker([name, 'sh', '-c', 'read -r line; exit 5'], piped)
    await new ConsulClient().holder(`consul-locker-${name}`)
    await theirs.open()
    expect(await theirs.acquire()).toBe(false)
    await theirs.cleanUp()
    await ours.says(/took it again/)
    const next = new BashLocker(name)
    await next.open()
    expect(await next.acquire()).toBe(false)
    ours.child.stdin?.end('\n')
    expect(await ours.ends()).toMatchObject({ code: 5 })
  })
})

describe.concurrent('a holder that dies', () => {
  test('keeps the lock closed for its lock-delay, and a waiter gets it afterwards', async () => {
    const name = uniqueName('dead')
    const consul = new ConsulClient()
    const key = `consul-locker-${name}`
    const delayMs = 3000
    const dead = await consul.createSession({ Name: `consul-locker ${name}`, LockDelay: `${delayMs}ms` })
    const record = { host: 'web9', pid: 812, command: ['./bootstrap.sh'], lockDelayMs: delayMs }
    await consul.acquire(key, dead, JSON.stringify(record))
    const waiter = startLocker([name, 'sh', '-c', 'exit 3'])
    await waiter.says(/held by web9 \(pid 812, \.\/bootstrap\.sh\)/)
    const diedAt = performance.now()
    await consul.destroySession(dead)
    await waiter.says(/its last holder was cut off, Consul keeps it closed/)
    const late = await runLocker(['--no-wait', name, 'echo', 'ran'])
    expect(late).toMatchObject({ code: 1, stdout: '' })
    expect(late.stderr).toContain('Consul keeps it closed')
    expect(await waiter.ends()).toMatchObject({ code: 3 })
    // The promise is a time: nobody runs before the lock-delay is over.
    expect(performance.now() - diedAt).toBeGreaterThanOrEqual(delayMs)
    expect(await consul.remains(name)).toEqual([])
  })

  test('by kill -9 is followed as soon as its command has ended, though that ignores TERM', async () => {
    const name = uniqueName('killed')
    const deaf = 'trap "" TERM; echo "pid $$."; while :; do sleep 0.1; done'
    const holder = startLocker(['--kill-after', '500ms', name, 'sh', '-c', deaf])
    const [, child] = await holder.prints(/^pid (\d+)\.$/m)
    const waiter = startWitness(name, `${child}`)
    await waiter.says(/waiting for/)
    holder.kill('SIGKILL')
    expect(await waiter.ends()).toMatchObject({ code: 0, stdout: 'gone\n' })
    expect(runs(Number(child))).toBe(false)
    await holder.ends()
    await leavesNothing(name)
  })
})
