import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { runLocker, startLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

const consul = new ConsulClient()

const keyOf = (name: string) => `consul-locker-${name}`

describe('pause', () => {
  test('ends by itself, and nobody needs to clear it away', async () => {
    const name = uniqueName('short')
    expect((await runLocker(['pause', name, '--for', '8s'])).code).toBe(0)
    const { until } = JSON.parse(await consul.value(`${keyOf(name)}=pause`))
    const run = startLocker([name, 'date', '+%s%3N'])
    await run.says(/paused until/)
    const { code, stdout } = await run.ends()
    expect(code).toBe(0)
    expect(Number(stdout)).toBeGreaterThanOrEqual(Date.parse(until))
    expect((await runLocker(['-n', name, 'true'])).code).toBe(0)
  })
})
