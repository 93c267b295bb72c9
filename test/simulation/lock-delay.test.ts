import { expect, test } from 'vitest'
import type { Context } from '../../src/base/context.ts'
import type { Log } from '../../src/base/log.ts'
import { Consul } from '../../src/consul/consul.ts'
import { DevAgent } from '../../src/devagent/dev-agent.ts'
import { VirtualClock } from '../../src/devagent/virtual-clock.ts'
import { contend } from '../../src/lock/contend.ts'
import type { Contest } from '../../src/lock/contest.ts'
import { planTiming } from '../../src/lock/deadline.ts'
import { NO_SETTINGS } from './settings.ts'

const SILENT: Log = { debugging: false, mark() {}, debug() {}, notice() {}, warn() {}, error() {} }
const KEY = 'consul-locker-slow-log'
const COMMIT_MS = 100
const timing = planTiming({})

/** Contenders for one lock at servers whose log takes its time. */
function stage() {
  const clock = new VirtualClock()
  const agent = new DevAgent({ clock, random: () => 0.5, commitMs: () => COMMIT_MS })
  const ctx: Context = { clock, log: SILENT, signal: new AbortController().signal, random: () => 0.5 }
  const contest: Contest = {
    name: 'slow-log',
    key: KEY,
    sessionName: 'slow-log',
    record: () => JSON.stringify({ host: 'here', lockDelayMs: timing.lockDelayMs }),
    timing,
    once: false,
    ancestors: [],
    onSession() {},
  }
  return { clock, agent, contend: () => contend(ctx, new Consul(NO_SETTINGS, agent.transport()), contest) }
}

/** From the death of a holder's session until who came `comesMs` before it has the lock, in milliseconds. */
async function untilNext(comesMs: number): Promise<number> {
  const { clock, agent, contend } = stage()
  const first = await clock.run(contend())
  if (first === 'busy') throw new Error('the first contender found the lock taken')
  const second = contend()
  await clock.advance(comesMs)
  agent.operator.destroySession(first.session.id)
  first.session.end()
  const diedMs = clock.nowMs
  const held = await clock.run(second)
  if (held !== 'busy') held.session.end()
  return clock.nowMs - diedMs
}

test.each([0, 1, 50, 99, 100, 101, 150, 199, 201, 250, 400])(
  'a claim that came %i ms before the death of the holder’s session waits for the lock-delay',
  async (comesMs) => {
    expect(await untilNext(comesMs)).toBeGreaterThanOrEqual(timing.lockDelayMs)
  },
)
