import { describe, expect, test } from 'vitest'
import type { WireRequest } from '../../src/consul/wire.ts'
import type { HeldLock } from '../../src/lock/acquire-options.ts'
import { strangeReply, type WireFate } from '../virtual/faulty-transport.ts'
import { virtualLock, won } from '../virtual/virtual-lock.ts'

/** A contender behind a wire that does this to each request. */
function stage(fateOf: (request: WireRequest) => WireFate) {
  const { clock, timing, operator, acquire, release } = virtualLock({ fateOf })
  return {
    clock,
    timing,
    sessions: () => operator.sessions(),
    contend: (runId: string, once = false) =>
      clock.run(acquire({ sessionName: `consul-locker virtual ${runId}`, once })),
    release: (held: HeldLock) => clock.run(release(held)),
  }
}

describe('answers that come late, each of them', () => {
  test.each([3500, 8000])('by %i ms, still give the lock, to one, and leave no session', async (ms) => {
    const { timing, sessions, contend, release } = stage(() => ({ outMs: ms / 2, backMs: ms / 2 }))
    const held = won(await contend('first'))
    expect(held.session.leaseLeftMs()).toBeGreaterThan(timing.ttlMs / 4)
    expect(await contend('second', true)).toBe('busy')
    expect(sessions()).toHaveLength(1)
    await release(held)
  })

  test('by 3500 ms, are heard for as long as a command runs', async () => {
    const { clock, sessions, contend, release } = stage(() => ({ outMs: 1750, backMs: 1750 }))
    const held = won(await contend('first'))
    for (let second = 0; second < 120; second++) {
      await clock.advance(1000)
      expect(held.session.leaseLeftMs()).toBeGreaterThan(0)
    }
    await release(held)
    expect(sessions()).toEqual([])
  })
})

describe('a creation of a session', () => {
  const creates = ({ path }: WireRequest) => path.startsWith('/v1/session/create')
  const garbage = strangeReply(502, '<html>Bad Gateway</html>')

  test.each<[string, WireFate]>([
    ['is never answered', { fault: { kind: 'reply-lost' } }],
    ['breaks off', { fault: { kind: 'cut' } }],
    ['is answered by something else', { fault: { kind: 'masked', reply: garbage } }],
    ['arrives when it was given up long since', { outMs: 30_000 }],
  ])('that %s leaves no second session', async (_, fate) => {
    let left = 2
    const { clock, sessions, contend, release } = stage((request) => (creates(request) && left-- > 0 ? fate : {}))
    const held = won(await contend('first'))
    await clock.advance(60_000)
    await release(held)
    expect(sessions()).toEqual([])
  })

  test.each<[string, WireFate]>([
    ['is never answered', { fault: { kind: 'reply-lost' } }],
    ['breaks off', { fault: { kind: 'cut' } }],
  ])('that %s is taken back by who tries only once', async (_, fate) => {
    const { sessions, contend } = stage((request) => (creates(request) ? fate : {}))
    await expect(contend('first', true)).rejects.toMatchObject({ code: 'unreachable' })
    expect(sessions()).toEqual([])
  })
})
