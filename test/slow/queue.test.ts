import { describe, expect, onTestFinished, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { runLocker, startLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

/** Somebody who stands in line, and never takes the lock. */
async function haunt(name: string): Promise<string> {
  const consul = new ConsulClient()
  const ghost = await consul.createSession()
  onTestFinished(async () => void (await consul.destroySession(ghost)))
  await consul.acquire(`consul-locker-${name}%3Dqueue/${ghost}`, ghost)
  await consul.request('PUT', `/kv/consul-locker-${name}%3Dqueue`, ghost)
  return ghost
}

describe('the line of waiters', () => {
  test('is passed when those in it leave a free lock alone, however many', async () => {
    const name = uniqueName('ghosts')
    const ghosts = await Promise.all(Array.from({ length: 4 }, () => haunt(name)))
    const once = await runLocker(['--no-wait', name, 'echo', 'ran'])
    expect(once).toMatchObject({ code: 0, stdout: 'ran\n' })
    const waiter = startLocker([name, 'echo', 'ran'])
    await waiter.says(/5th in line/)
    expect(await waiter.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    const consul = new ConsulClient()
    const places = ghosts.map((ghost) => `consul-locker-${name}=queue/${ghost}`)
    expect(await consul.remains(name)).toEqual([`consul-locker-${name}=queue`, ...places.sort()])
    await consul.request('DELETE', `/kv/consul-locker-${name}?recurse`)
  })
})
