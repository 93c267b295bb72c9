import { describe, expect, test } from 'vitest'
import { consulLock } from '../kit/consul-lock.ts'
import { startLocker } from '../kit/locker.ts'
import { Slots } from '../kit/slots.ts'

describe('the holder of a slot', () => {
  test('is stopped when its session is destroyed, and its slot is closed for the lock-delay', async () => {
    const slots = new Slots()
    const options = ['--ttl', '10s', '--kill-after', '0s', '--lock-delay', '13s']
    const holder = startLocker([...options, '--slots', '1', slots.name, 'sleep', '60'])
    const [session = ''] = await slots.untilHeldBy(1)
    await slots.consul.destroySession(session)
    const diedAt = performance.now()
    expect(await holder.ends()).toMatchObject({ code: 6 })
    expect(await slots.once(1, 'echo', 'ran')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Consul keeps it closed'),
    })
    const next = slots.start(1, 'echo', 'ran')
    expect(await next.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    // The promise is a time: nobody is in before the lock-delay is over.
    expect(performance.now() - diedAt).toBeGreaterThanOrEqual(13_000)
    await slots.leavesNothing()
  })
})

describe('consul lock -n on the same prefix', () => {
  test('with another number is refused by us, and refuses ours', async () => {
    const slots = new Slots()
    const theirs = await consulLock('-n=3', slots.prefix, 'echo ready; cat')
    await theirs.prints(/ready/)
    expect(await slots.once(2, 'echo', 'ran')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('has 3 slots, and --slots says 2'),
    })
    theirs.child.stdin?.end()
    await theirs.ends()
    const ours = slots.start(2, 'cat')
    await slots.untilHeldBy(1)
    expect(await (await consulLock('-n=3', slots.prefix, 'echo ran')).ends()).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('semaphore limit conflict'),
    })
    ours.child.stdin?.end()
    await ours.ends()
    await slots.leavesNothing()
  })

  test('that is killed keeps its slot for its lock-delay, for us', async () => {
    const slots = new Slots()
    const theirs = await consulLock('-n=2', slots.prefix, 'echo ready; exec cat')
    await theirs.prints(/ready/)
    const [session = ''] = await slots.untilHeldBy(1)
    const ours = slots.start(2, 'cat')
    await slots.untilHeldBy(2)
    theirs.kill('SIGKILL')
    await slots.consul.destroySession(session)
    expect(await slots.once(2, 'echo', 'ran')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Consul keeps it closed'),
    })
    const next = slots.start(2, 'echo', 'ran')
    expect(await next.ends()).toMatchObject({ code: 0, stdout: 'ran\n' })
    for (const one of [ours, theirs]) one.child.stdin?.end()
    await ours.ends()
    await slots.leavesNothing()
  })
})
