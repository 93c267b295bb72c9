import { setTimeout as delay } from 'node:timers/promises'
import { median, quantile } from '../stage/statistics.ts'
import { Contender, phaseOf } from './contender.ts'
import { type Row, Samples } from './row.ts'
import type { Testbed } from './testbed.ts'
import type { Tool } from './tool.ts'
import { inTurn } from './uncontended.ts'

/**
 * From the end of one command to the start of the next, whose runner has been waiting: `rounds` in turn, each of `runs`
 * for each tool, but only of `polledRuns` for those that poll, which take long and vary little from run to run.
 */
export async function measureHandOver(
  testbed: Testbed,
  { rounds, runs, polledRuns }: { rounds: number; runs: number; polledRuns: number },
): Promise<Row[]> {
  const samples = new Samples()
  for (let round = 0; round < rounds; round++) {
    for (const tool of inTurn(testbed.tools.contestants, round)) {
      samples.add(tool.name, ...(await chain(testbed, tool, tool.pollMs > 0 ? polledRuns : runs)))
    }
  }
  const goal = { ratio: 1 }
  return [
    samples.row({ id: 'hand-over.p50', what: 'hand-over to a waiting one: p50', unit: 'ms', goal }, median),
    samples.row({ id: 'hand-over.p99', what: 'hand-over to a waiting one: p99', unit: 'ms', goal }, (all) =>
      quantile(all, 0.99),
    ),
  ]
}

/** One holder after the other, each with the next one waiting; what each hand-over took, in ms. */
async function chain(testbed: Testbed, tool: Tool, runs: number): Promise<number[]> {
  const lock = testbed.lock('hand-over')
  const took: number[] = []
  let holder = await Contender.start(testbed, tool, lock)
  await holder.begun
  for (let run = 0; run < runs; run++) {
    const next = await Contender.start(testbed, tool, lock)
    await next.asleep()
    await delay(phaseOf(tool))
    holder.release()
    const [end, begin] = await Promise.all([holder.finished, next.begun])
    took.push(begin - end)
    await holder.ended
    holder = next
  }
  holder.release()
  await holder.ended
  return took
}
