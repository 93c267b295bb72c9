import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker } from '../kit/locker.ts'
import { processesWith } from '../kit/processes.ts'
import { uniqueName } from '../kit/unique.ts'

describe('contenders', () => {
  test('leave no session, no key and no process after 20 runs in a row', async () => {
    const name = uniqueName('tidy')
    for (let run = 0; run < 20; run++) expect((await runLocker([name, 'true'])).code).toBe(0)
    expect(await new ConsulClient().remains(name)).toEqual([])
    await patiently(
      () => processesWith(name).length === 0,
      () => `processes were left: ${processesWith(name)}`,
    )
  })
})
