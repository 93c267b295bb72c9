import { describe, expect, test } from 'vitest'
import { startConsul } from '../../scripts/provide/agent.ts'
import { afterTest } from '../kit/after-test.ts'
import { acquire, holderOf, leaseWords, old } from '../kit/leases.ts'
import { runLocker, startLocker } from '../kit/locker.ts'
import { startProxy } from '../kit/proxy.ts'
import { client } from '../kit/shared-consul.ts'
import { uniqueName } from '../kit/unique.ts'

describe.concurrent('a start-up lease', () => {
  test('is waited for through a restart of the agent', async () => {
    const label = uniqueName('lease')
    const agent = await startConsul({ mode: 'server' })
    afterTest(() => agent.stop())
    const options = { address: agent.address }
    await runLocker(leaseWords('acquire', label, 'web-1'), options)
    const waiting = startLocker(leaseWords('acquire', label, 'web-2'), options)
    await waiting.says(/waiting for/)
    await agent.restart()
    await waiting.says(/trying again, for \d+m at most/)
    await runLocker(leaseWords('release', label, 'web-1'), options)
    expect((await waiting.ends()).code).toBe(0)
  })

  test('that Consul could not be asked for in time is its failure, not a busy lease', async () => {
    const ended = await runLocker([...leaseWords('acquire', 'web', 'web-1'), '--acquire-timeout', '0.1s'], {
      address: 'http://127.0.0.1:1',
    })
    expect(ended.code).toBe(3)
    expect(ended.stderr).toMatch(/error: Consul at http:\/\/127.0.0.1:1 can't be reached/)
  })

  test('that Consul keeps closed for a stranger’s session is not asked for without a pause', async () => {
    const label = uniqueName('lease')
    const stranger = await client.createSession({ LockDelay: '60s' })
    await client.acquire(`lease/${label}`, stranger)
    await client.destroySession(stranger)
    const proxy = await startProxy()
    const args = [...leaseWords('acquire', label, 'web-1'), '--acquire-timeout', '0']
    expect(await runLocker(args, { address: proxy.address })).toMatchObject({ code: 1 })
    const attempts = proxy.requests.filter((line) => line.startsWith('PUT /v1/session/create'))
    expect(attempts.length).toBeLessThan(20)
    expect(await client.sessions(label)).toEqual([])
  })

  test('that nobody ends, ends for a contender that comes late, too: Consul sees to that', async () => {
    const late = await acquire(old, 'web-2')
    expect(late).toMatchObject({ code: 0 })
    expect(await holderOf(old)).toBe('web-2')
  })
})
