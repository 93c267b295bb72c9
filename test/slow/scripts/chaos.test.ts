import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runChaos } from '../../../scripts/chaos/chaos-run.ts'
import { summaryOf } from '../../../scripts/chaos/fault-table.ts'
import { HOLDER_FAULTS } from '../../../scripts/chaos/holder-faults.ts'
import { startSmallCluster } from '../../../scripts/provide/cluster.ts'
import { processesWith } from '../../kit/processes.ts'
import { scratch } from '../../kit/unique.ts'

test('chaos › three contenders under faults break no promise, and nothing is left of them', async () => {
  await using cleanUp = new AsyncDisposableStack()
  const dir = join(scratch(), 'chaos')
  const cluster = await startSmallCluster(3, cleanUp)
  const interruption = new AbortController()
  onTestFinished(() => interruption.abort(new Error('the test is over')))
  const names = ['runner-killed', 'guardian-killed', 'key-deleted']
  const verdict = await runChaos({
    tool: 'consul-locker',
    cluster,
    contenders: 3,
    seed: 3,
    ms: 15_000,
    faults: HOLDER_FAULTS.filter(({ name }) => names.includes(name)),
    dir,
    tell: () => {},
    signal: interruption.signal,
  })
  const held = verdict.violations.filter(({ excused }) => !excused)
  expect(held, summaryOf(verdict)).toEqual([])
  expect(verdict.injections.length).toBeGreaterThanOrEqual(2)
  expect(verdict.updates).toBeGreaterThan(100)
  await expect.poll(() => processesWith(dir)).toEqual([])
})
