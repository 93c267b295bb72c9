import { expect, test } from 'vitest'
import { sleep } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import { Failure } from '../../../src/base/failure.ts'
import { Retry } from '../../../src/consul/retry.ts'
import { withWaitLimit } from '../../../src/consul/wait-limit.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

type Work = (ctx: Context, saw: (last: string) => void, retry: Retry) => Promise<string>

/** A wait of a second, and how long it was. */
async function limited(work: Work): Promise<{ readonly end: unknown; readonly tookMs: number }> {
  const { clock, ctx, consul } = virtualLock()
  const client = consul()
  const retry = new Retry(client)
  const startMs = clock.nowMs
  const waiting = withWaitLimit<string>(ctx, client, 1000, retry, (ctx, saw) => work(ctx, saw, retry))
  const end = await clock.run(waiting.catch((thrown: unknown) => thrown))
  return { end, tookMs: clock.nowMs - startMs }
}

const hangs = (ctx: Context) => sleep(ctx, 60_000).then(() => 'late')

test('a wait ends with its work', async () => {
  expect(await limited(async () => 'done')).toEqual({ end: 'done', tookMs: 0 })
})

test('a wait whose time is over ends with what it saw last, though Consul hangs', async () => {
  const work: Work = (ctx, saw) => {
    saw('first')
    saw('last')
    return hangs(ctx)
  }
  expect(await limited(work)).toEqual({ end: 'last', tookMs: 1000 })
})

test('a wait in which Consul told nothing ends with its silence', async () => {
  const { end, tookMs } = await limited(hangs)
  expect({ end, tookMs }).toMatchObject({ end: { code: 'unreachable' }, tookMs: 1000 })
  expect((end as Failure).message).toMatch(/^nothing answered at .* within 1s$/)
})

test('a wait ends with the trouble that Consul is in', async () => {
  const away = new Failure('unreachable', 'it is away')
  const work: Work = (ctx, saw, retry) => {
    saw('something')
    return retry.until(ctx, () => Promise.reject(away))
  }
  expect(await limited(work)).toEqual({ end: away, tookMs: 1000 })
})
