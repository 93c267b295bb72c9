import { expect, test } from 'vitest'
import type { Context } from '../../src/base/context.ts'
import type { Log } from '../../src/base/log.ts'
import { Consul } from '../../src/consul/consul.ts'
import { createSession } from '../../src/consul/sessions.ts'
import { transact } from '../../src/consul/txn.ts'
import { DevAgent } from '../../src/devagent/dev-agent.ts'
import { VirtualClock } from '../../src/devagent/virtual-clock.ts'
import { contend } from '../../src/lock/contend.ts'
import type { Contest } from '../../src/lock/contest.ts'
import { planTiming } from '../../src/lock/deadline.ts'
import { passable } from '../../src/lock/line.ts'
import { release } from '../../src/lock/release.ts'
import { NO_SETTINGS } from './settings.ts'

const SILENT: Log = { debugging: false, mark() {}, debug() {}, notice() {}, warn() {}, error() {} }
const KEY = 'consul-locker-haunted'

/** Contenders for one lock, with so many before them in line who never take it. */
async function stage(ghosts: number) {
  const clock = new VirtualClock()
  const agent = new DevAgent({ clock, random: () => 0.5 })
  const ctx: Context = { clock, log: SILENT, signal: new AbortController().signal, random: () => 0.5 }
  const consul = () => new Consul(NO_SETTINGS, agent.transport())
  const about = { name: 'ghost', ttlMs: 86_400_000, lockDelayMs: 0, behavior: 'release' } as const
  for (let n = 0; n < ghosts; n++) {
    const session = await clock.run(createSession(ctx, consul(), about))
    const place = { verb: 'lock', key: `${KEY}=queue/${session}`, value: '', session } as const
    await clock.run(transact(ctx, consul(), [place, { verb: 'set', key: `${KEY}=queue`, value: session }]))
  }
  const contest: Contest = {
    name: 'haunted',
    key: KEY,
    sessionName: 'haunted',
    record: () => '{}',
    timing: planTiming({}),
    once: false,
    ancestors: [],
    onSession() {},
  }
  return { clock, ctx, consul, contend: (once: boolean) => contend(ctx, consul(), { ...contest, once }) }
}

test.each([
  [1, 5],
  [4, 10],
  [100, 45],
  [1000, 75],
])('a waiter passes %i ghosts in line within %i s', async (ghosts, seconds) => {
  const { clock, contend } = await stage(ghosts)
  const beganMs = clock.nowMs
  const held = await clock.run(contend(false))
  expect(held).not.toBe('busy')
  if (held !== 'busy') held.session.end()
  expect(clock.nowMs - beganMs).toBeLessThan(seconds * 1000)
})

test('who tries once passes them, too, and is polite to those who live', async () => {
  const { clock, ctx, consul, contend } = await stage(3)
  const held = await clock.run(contend(true))
  if (held === 'busy') throw new Error('the free lock was not taken')
  const waiters = [contend(false), contend(false)]
  await clock.advance(1000)
  const released = release(ctx, consul(), held.session, held.stake)
  await clock.run(waiters[0] as Promise<unknown>)
  await clock.run(released)
  expect(await clock.run(contend(true))).toBe('busy')
  for (const waiter of waiters) {
    const next = await clock.run(waiter)
    if (next === 'busy') throw new Error('a waiter gave up')
    await clock.run(release(ctx, consul(), next.session, next.stake))
  }
})

test.each([
  [0, 0],
  [2999, 0],
  [3000, 1],
  [6000, 2],
  [9500, 4],
  [60_000, 524_288],
])('a lock that was free for %i ms lets pass %i', (idleMs, count) => {
  expect(passable(idleMs)).toBe(count)
})
