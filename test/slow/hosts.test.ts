import { describe, expect, test } from 'vitest'
import { runLocker } from '../kit/locker.ts'

describe('hosts', () => {
  test('that Consul cannot tell are its failure', async () => {
    const gone = { address: 'http://127.0.0.1:1' }
    expect(await runLocker(['hosts', '--label', 'web'], gone)).toMatchObject({ code: 3, stdout: '' })
    expect(await runLocker(['hosts', '--label', 'web', '--wait', '0.1s'], gone)).toMatchObject({ code: 3, stdout: '' })
  })
})
