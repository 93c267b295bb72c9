import { describe, expect, test } from 'vitest'
import { DevAgent } from '../../../src/devagent/dev-agent.ts'
import { FaultyTransport, strangeReply, type WireFate } from '../../virtual/faulty-transport.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

function open(fate: WireFate) {
  const clock = new VirtualClock()
  const agent = new DevAgent({ clock, random: () => 0.5 })
  const transport = new FaultyTransport(agent.transport(), clock, () => fate)
  const gone = new AbortController()
  return { clock, gone, operator: agent.operator, write: () => transport.send(WRITE, gone.signal) }
}

const WRITE = { method: 'PUT', path: '/v1/kv/k', body: 'v' } as const
const BUSY = strangeReply(429, 'Your IP is issuing too many concurrent connections')

describe('a faulty wire', () => {
  test('delays requests and replies', async () => {
    const { clock, operator, write } = open({ outMs: 100, backMs: 50 })
    const writing = write()
    await clock.advance(99)
    expect(operator.entry('k')).toBeUndefined()
    await clock.advance(1)
    expect(operator.entry('k')).toBeDefined()
    expect((await clock.run(writing)).status).toBe(200)
    expect(clock.nowMs).toBe(150)
  })

  test('carries a request whose sender has gone', async () => {
    const { clock, gone, operator, write } = open({ outMs: 100 })
    const writing = write()
    gone.abort(new Error('gone'))
    await expect(writing).rejects.toThrow('gone')
    await clock.advance(100)
    expect(operator.entry('k')).toBeDefined()
  })

  const faults: [kind: string, fate: WireFate, effect: boolean, end: object][] = [
    ['refused', { fault: { kind: 'refused' } }, false, { code: 'unreachable' }],
    ['cut', { fault: { kind: 'cut' } }, true, { code: 'unreachable' }],
    ['answered', { fault: { kind: 'answered', reply: BUSY } }, false, { status: 429 }],
    ['masked', { fault: { kind: 'masked', reply: BUSY } }, true, { status: 429 }],
  ]
  test.for(faults)('that has a request be %s', async ([_, fate, effect, end]) => {
    const { operator, write } = open(fate)
    const result = await write().catch((thrown: unknown) => thrown)
    expect(result).toMatchObject(end)
    expect(operator.entry('k') !== undefined).toBe(effect)
  })

  test.for([
    ['black-hole', false],
    ['reply-lost', true],
  ] as const)('with a %s is silent until the sender gives up', async ([kind, effect]) => {
    const { clock, gone, operator, write } = open({ fault: { kind } })
    const writing = write()
    await clock.advance(60_000)
    expect(operator.entry('k') !== undefined).toBe(effect)
    gone.abort(new Error('gave up'))
    await expect(writing).rejects.toThrow('gave up')
  })
})
