import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, startLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'
import { leavesNothing, startWitness } from '../kit/witness.ts'

describe.concurrent('a holder that dies', () => {
  test('by kill -9 without a guardian is followed when the lock-delay is over', async () => {
    const name = uniqueName('unguarded')
    const consul = new ConsulClient()
    const options = ['--no-guardian', '--ttl', '10s', '--kill-after', '0s', '--lock-delay', '13s']
    // Nobody ends it: it must end by itself before the lock-delay is over.
    const holder = startLocker([...options, name, 'sh', '-c', 'echo "pid $$."; exec sleep 5'])
    const [, child] = await holder.prints(/^pid (\d+)\.$/m)
    const session = await consul.holder(`consul-locker-${name}`)
    const waiter = startWitness(name, `${child}`)
    await waiter.says(/waiting for/)
    holder.kill('SIGKILL')
    await patiently(
      () => holder.hasEnded,
      () => 'the holder lives',
    )
    // Consul itself would need up to twice the TTL to notice.
    await consul.destroySession(session)
    await waiter.says(/Consul keeps it closed/)
    expect(await waiter.ends()).toMatchObject({ code: 0, stdout: 'gone\n' })
    await leavesNothing(name)
  })
})
