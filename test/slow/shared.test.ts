import { expect, test } from 'vitest'
import { end, Library } from '../kit/library-of-readers.ts'
import { startLocker } from '../kit/locker.ts'

test('a reader whose session is destroyed is stopped, and a writer waits for its lock-delay', async () => {
  const library = new Library()
  const options = ['--ttl', '10s', '--kill-after', '0s', '--lock-delay', '13s']
  const reader = startLocker([...options, '--shared', library.name, 'sleep', '60'])
  const [session = ''] = await library.untilReadBy(1)
  const diedAt = performance.now()
  await library.consul.destroySession(session)
  expect(await reader.ends()).toMatchObject({ code: 6 })
  const writer = library.writer()
  await writer.prints(/in/)
  // The promise is a time: nobody is in before the lock-delay is over.
  expect(performance.now() - diedAt).toBeGreaterThanOrEqual(13_000)
  await end(writer)
  await library.leavesNothing()
})
