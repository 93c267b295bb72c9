import { describe, expect, test } from 'vitest'
import { holding, PIPE } from '../kit/holding.ts'
import { runLocker } from '../kit/locker.ts'
import { uniqueName } from '../kit/unique.ts'

describe('a signal to a hold', () => {
  test.each(['SIGTERM', 'SIGHUP'] as const)(
    '%s gives up a lock whose pipe is open, and leaves it closed',
    async (signal) => {
      const name = uniqueName('given-up')
      const { hold } = await holding([name], PIPE)
      hold.kill(signal)
      const ended = await hold.ends()
      const code = signal === 'SIGTERM' ? 143 : 129
      expect(ended).toMatchObject({
        code,
        stderr: expect.stringMatching(/giving up the lock .*, which nobody can have for 24s/),
      })
      const next = await runLocker(['-n', name, 'true'])
      expect(next).toMatchObject({ code: 1, stderr: expect.stringContaining('Consul keeps it closed') })
    },
  )
})
