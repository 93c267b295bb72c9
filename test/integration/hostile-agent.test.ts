import { describe, expect, test } from 'vitest'
import { deceive } from '../kit/deceived.ts'
import { startLiar } from '../kit/liar.ts'
import { runLocker } from '../kit/locker.ts'
import { lyingAboutSessions } from '../kit/speaking-ids.ts'
import { uniqueName } from '../kit/unique.ts'

describe('whoever answers as Consul', () => {
  test('gets no words to the guardian of a run in place of a session’s id', async () => {
    const { ids, lie, harm } = lyingAboutSessions()
    for (const id of ids) {
      const { address } = await startLiar(lie(id))
      const { code, stdout, stderr } = await runLocker([uniqueName('lied-to'), 'echo', 'ran'], { address })
      expect([code, stdout], id).toEqual([4, ''])
      expect(stderr, id).toMatch(/^consul-locker: error: .* is not Consul: a session without an ID \(.*\)\n$/)
    }
    expect(harm()).toEqual([false, true])
  })

  test('brings nothing about but sentences, whichever field of an answer is a lie', { timeout: 180_000 }, () =>
    deceive(20_000, 60),
  )
})
