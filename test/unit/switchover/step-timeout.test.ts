import { expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { Failure } from '../../../src/base/failure.ts'
import { Consul } from '../../../src/consul/consul.ts'
import { Retry } from '../../../src/consul/retry.ts'
import { DevAgent } from '../../../src/devagent/dev-agent.ts'
import { withinStep } from '../../../src/switchover/step-timeout.ts'
import { NO_SETTINGS } from '../../virtual/settings.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

const STEP_MS = 10_000

test('a step goes on while anything of it waits for a Consul that is away', async () => {
  const clock = new VirtualClock()
  const ctx: Context = { clock, log: SILENT, signal: new AbortController().signal, random: () => 0.5 }
  const consul = new Consul(NO_SETTINGS, new DevAgent({ clock, random: () => 0.5 }).transport())
  consul.confirmed = true
  const backAtMs = clock.nowMs + 4 * STEP_MS
  const work = (ctx: Context) =>
    new Retry(consul).until(ctx, async () => {
      if (clock.nowMs < backAtMs) throw new Failure('unreachable', 'it is away')
      return 'done'
    })
  const step = { kind: 'confirm', direction: 'promote', at: { node: 'a', datacenter: 'dc1' } } as const
  expect(await clock.run(withinStep(ctx, step, STEP_MS, new Retry(consul), work))).toBe('done')
})
