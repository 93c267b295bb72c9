import { describe, expect, test } from 'vitest'
import { type ConsulOptions, clientOf, connect } from '../../../src/library/shared-connection.ts'
import { withLock } from '../../../src/library/with-lock.ts'

const mistaken = (given: unknown) => given as ConsulOptions

describe('a lock is not had elsewhere, or by another name, for a mistake of who asks', () => {
  test.each([
    ['text', '127.0.0.1:1'],
    ['a number', 5],
    ['null', null],
    ["another copy's connection", { close() {} }],
    ['misspelt options', { adress: '127.0.0.1:1' }],
  ])('consul is no %s', async (_, given) => {
    await expect(clientOf(mistaken(given))).rejects.toMatchObject({ code: 'usage' })
    await expect(clientOf(connect(mistaken(given)))).rejects.toMatchObject({ code: 'usage' })
  })

  test.each([undefined, null, 5])('a name is not %s', async (name) => {
    const locked = withLock(name as unknown as string, () => 'locked', { consul: { address: '127.0.0.1:1' } })
    await expect(locked).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('no text') })
  })
})
