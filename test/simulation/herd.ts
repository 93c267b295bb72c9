import type { Context } from '../../src/base/context.ts'
import { Consul } from '../../src/consul/consul.ts'
import type { Transport } from '../../src/consul/wire.ts'
import { DevAgent } from '../../src/devagent/dev-agent.ts'
import { acquire } from '../../src/lock/acquire.ts'
import { planTiming } from '../../src/lock/lease-timing.ts'
import { release } from '../../src/lock/release.ts'
import { Dice } from '../virtual/dice.ts'
import { FaultyTransport } from '../virtual/faulty-transport.ts'
import { NO_SETTINGS } from '../virtual/settings.ts'
import { SILENT } from '../virtual/silent-log.ts'
import { VirtualClock } from '../virtual/virtual-clock.ts'

/** What hand-overs cost while many wait. */
export interface HerdCost {
  readonly waiters: number
  /** Per hand-over, renewals left out. */
  readonly requests: number
  readonly raftWrites: number
  /** What they all read meanwhile, renewals left out. */
  readonly bytesRead: number
  /** What the last one read to go into the line. */
  readonly bytesToEnter: number
  /** What each of them read in a minute in which nothing happened. */
  readonly bytesAMinute: number
  /** From one holder's release to the next one's lock, in virtual milliseconds. */
  readonly takesMs: number
  /** Whether they got the lock in the order in which they came. */
  readonly inOrder: boolean
}

const WIRE_MS = 0.5
const KEY = 'consul-locker-herd'

/** Has `waiters` contenders wait for one lock, and measures the first `handOvers` hand-overs. */
export async function measureHerd(waiters: number, handOvers: number): Promise<HerdCost> {
  const clock = new VirtualClock()
  const dice = new Dice(waiters)
  const agent = new DevAgent({ clock, random: dice.next })
  let renewals = 0
  let bytesRead = 0
  const agentOf = agent.transport()
  const counting: Transport = {
    async send(request, signal) {
      const reply = await agentOf.send(request, signal)
      if (request.path.startsWith('/v1/session/renew')) renewals += 1
      else bytesRead += Buffer.byteLength(reply.text)
      return reply
    },
    close: () => agentOf.close(),
  }
  const wire = new FaultyTransport(counting, clock, () => ({ outMs: WIRE_MS, backMs: WIRE_MS }))
  const turns: number[] = []
  const ctx = (): Context => ({ clock, log: SILENT, signal: new AbortController().signal, random: dice.next })
  const consul = () => new Consul(NO_SETTINGS, wire)
  const options = {
    name: 'herd',
    key: KEY,
    sessionName: 'herd',
    record: () => '{"host":"herd","runId":"herd"}',
    timing: planTiming({}),
    once: false,
    handsOn: true,
    ancestors: [],
    onSession() {},
  }
  const first = await clock.run(acquire(ctx(), consul(), options))
  if (typeof first === 'string') throw new Error('the first contender found the lock taken')
  let holder = first
  let next = Promise.withResolvers<void>()
  let bytesToEnter = 0
  for (let n = 0; n < waiters; n++) {
    const bytesBefore = bytesRead
    const waiter = acquire(ctx(), consul(), options)
    waiter.then((held) => {
      if (typeof held === 'string') return
      turns.push(n)
      holder = held
      next.resolve()
    })
    await clock.advance(WIRE_MS * 20)
    bytesToEnter = bytesRead - bytesBefore
  }
  // From then on a holder that never waited looks who waits for it.
  await clock.advance(1000)
  const before = { requests: agent.requests - renewals, writes: agent.raftWrites, bytes: bytesRead, ms: 0 }
  for (let turn = 0; turn < handOvers; turn++) {
    next = Promise.withResolvers<void>()
    const beganMs = clock.nowMs
    const released = release(ctx(), consul(), holder)
    await clock.run(next.promise)
    before.ms += clock.nowMs - beganMs
    await clock.run(released)
    await clock.advance(20)
  }
  const costs = {
    waiters,
    requests: (agent.requests - renewals - before.requests) / handOvers,
    raftWrites: (agent.raftWrites - before.writes) / handOvers,
    bytesRead: (bytesRead - before.bytes) / handOvers,
    bytesToEnter,
    takesMs: before.ms / handOvers,
    inOrder: turns.every((n, turn) => n === turn) && turns.length === handOvers,
  }
  const bytesBefore = bytesRead
  await clock.advance(60_000)
  return { ...costs, bytesAMinute: (bytesRead - bytesBefore) / (waiters - handOvers) }
}
