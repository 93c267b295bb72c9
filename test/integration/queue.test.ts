import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { type Running, runLocker, startLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

/** A runner that holds the lock until its standard input ends. */
async function startHolder(name: string): Promise<Running> {
  const holder = startLocker([name, 'cat'], { stdio: ['pipe', 'pipe', 'pipe'] })
  await new ConsulClient().holder(`consul-locker-${name}`)
  return holder
}

/** A waiter that has taken its place behind all others. */
async function startWaiter(name: string, word: string, place: RegExp): Promise<Running> {
  const waiter = startLocker([name, 'sh', '-c', `date +%s.%N; echo ${word}`])
  await waiter.says(place)
  return waiter
}

async function startedAt(waiter: Running): Promise<number> {
  const { code, stdout } = await waiter.ends()
  expect(code).toBe(0)
  return Number.parseFloat(stdout)
}

describe('the line of waiters', () => {
  test('is served in the order in which they came, and leaves nothing behind', async () => {
    const name = uniqueName('line')
    const holder = await startHolder(name)
    const first = await startWaiter(name, 'first', /held by/)
    const second = await startWaiter(name, 'second', /2nd in line, held by/)
    const third = await startWaiter(name, 'third', /3rd in line, held by/)
    holder.child.stdin?.end()
    const times = await Promise.all([first, second, third].map(startedAt))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test('closes up when one in it is interrupted', async () => {
    const name = uniqueName('leaver')
    const holder = await startHolder(name)
    const first = await startWaiter(name, 'first', /held by/)
    const second = await startWaiter(name, 'second', /2nd in line/)
    const third = await startWaiter(name, 'third', /3rd in line/)
    second.kill('SIGINT')
    expect((await second.ends()).code).toBe(130)
    holder.child.stdin?.end()
    expect((await first.ends()).stdout).toContain('first')
    expect((await third.ends()).stdout).toContain('third')
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test('goes past one that was killed', async () => {
    const name = uniqueName('dead')
    const holder = await startHolder(name)
    const first = await startWaiter(name, 'first', /held by/)
    const second = await startWaiter(name, 'second', /2nd in line/)
    first.kill('SIGKILL')
    holder.child.stdin?.end()
    expect((await second.ends()).stdout).toContain('second')
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test('is not overtaken by who comes without waiting, but forgotten when nobody is in it', async () => {
    const name = uniqueName('sign')
    const consul = new ConsulClient()
    await consul.request('PUT', `/kv/consul-locker-${name}%3Dqueue`, 'whoever left without taking it down')
    const lucky = startLocker(['--no-wait', name, 'echo', 'ran'])
    expect(await lucky.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(await consul.remains(name)).toEqual([])
  })

  test('is done without when somebody has filled it with rubbish', async () => {
    const name = uniqueName('rubbish')
    const consul = new ConsulClient()
    const rubbish = 'x'.repeat(500_000)
    for (let n = 0; n < 17; n++) await consul.request('PUT', `/kv/consul-locker-${name}%3Dqueue/${n}`, rubbish)
    await consul.request('PUT', `/kv/consul-locker-${name}%3Dqueue`, rubbish)
    expect(await runLocker(['--no-wait', name, 'echo', 'ran'])).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(await runLocker([name, 'echo', 'ran'])).toMatchObject({ code: 0, stdout: 'ran\n', stderr: '' })
    expect(await consul.sessions(name)).toEqual([])
    await consul.request('DELETE', `/kv/consul-locker-${name}?recurse`)
  })
})
