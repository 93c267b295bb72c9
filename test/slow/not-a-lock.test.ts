import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

const consul = () => new ConsulClient()

describe('a holder record that nobody can read', () => {
  test.each([
    ['null', 'null'],
    ['brackets', '['.repeat(150_000)],
    ['brackets for a command', `{"host":"web9","command":${'['.repeat(150_000)}${']'.repeat(150_000)}}`],
    ['another shape', '{"host":{},"pid":"x","command":{"join":1},"since":[],"lockDelayMs":{}}'],
    ['a delay of years', '{"host":"web9","lockDelayMs":2e9}'],
    ['half a megabyte', 'x'.repeat(500_000)],
  ])('neither ends a waiter nor keeps it for longer: %s', async (_, value) => {
    const name = uniqueName('odd')
    const key = `consul-locker-${name}`
    const session = await consul().createSession({ LockDelay: '1s' })
    await consul().acquire(key, session, value)
    const waiter = startLocker([name, 'echo', 'ran'])
    await waiter.says(/held by/)
    const busy = await runLocker(['--no-wait', name, 'echo', 'ran'])
    expect(busy).toMatchObject({ code: 1, stdout: '' })
    expect(busy.stderr).not.toMatch(/null|object/)
    await consul().destroySession(session)
    expect(await waiter.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    await patiently(
      async () => (await consul().remains(name)).length === 0,
      () => 'something is left at Consul',
    )
  })
})
