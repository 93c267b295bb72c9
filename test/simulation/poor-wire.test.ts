import { describe, expect, test } from 'vitest'
import type { Context } from '../../src/base/context.ts'
import type { Log } from '../../src/base/log.ts'
import { Consul } from '../../src/consul/consul.ts'
import type { WireRequest } from '../../src/consul/wire.ts'
import { DevAgent } from '../../src/devagent/dev-agent.ts'
import { type Fate, FaultyTransport, strangeReply } from '../../src/devagent/faulty-transport.ts'
import { VirtualClock } from '../../src/devagent/virtual-clock.ts'
import { contend } from '../../src/lock/contend.ts'
import type { Contest, Held } from '../../src/lock/contest.ts'
import { planTiming } from '../../src/lock/deadline.ts'
import { release } from '../../src/lock/release.ts'
import { NO_SETTINGS } from './settings.ts'

const SILENT: Log = { debugging: false, mark() {}, debug() {}, notice() {}, warn() {}, error() {} }
const timing = planTiming({})

/** A contender behind a wire that does this to each request. */
function stage(fateOf: (request: WireRequest) => Fate) {
  const clock = new VirtualClock()
  const agent = new DevAgent({ clock, random: () => 0.5 })
  const ctx: Context = { clock, log: SILENT, signal: new AbortController().signal, random: () => 0.5 }
  const consul = new Consul(NO_SETTINGS, new FaultyTransport(agent.transport(), clock, fateOf))
  const contest = (runId: string, once: boolean): Contest => ({
    name: 'poor',
    key: 'consul-locker-poor',
    sessionName: `consul-locker poor ${runId}`,
    record: () => JSON.stringify({ host: 'here', lockDelayMs: timing.lockDelayMs }),
    timing,
    once,
    ancestors: [],
    onSession() {},
  })
  const sessions = () => agent.operator.sessions()
  return {
    clock,
    sessions,
    contend: (runId: string, once = false) => clock.run(contend(ctx, consul, contest(runId, once))),
    release: ({ session, stake }: Held) => clock.run(release(ctx, consul, session, stake)),
  }
}

function won(end: Held | 'busy'): Held {
  if (end === 'busy') throw new Error('the lock is taken')
  return end
}

describe('answers that come late, each of them', () => {
  test.each([3500, 8000])('by %i ms, still give the lock, to one, and leave no session', async (ms) => {
    const { sessions, contend, release } = stage(() => ({ outMs: ms / 2, backMs: ms / 2 }))
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

  test.each<[string, Fate]>([
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

  test.each<[string, Fate]>([
    ['is never answered', { fault: { kind: 'reply-lost' } }],
    ['breaks off', { fault: { kind: 'cut' } }],
  ])('that %s is taken back by who tries only once', async (_, fate) => {
    const { sessions, contend } = stage((request) => (creates(request) ? fate : {}))
    await expect(contend('first', true)).rejects.toMatchObject({ code: 'unreachable' })
    expect(sessions()).toEqual([])
  })
})
