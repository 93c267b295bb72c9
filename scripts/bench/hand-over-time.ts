import { setTimeout as delay } from 'node:timers/promises'
import { median, quantile } from '../stage/statistics.ts'
import { type Row, Samples } from './row.ts'
import type { Testbed } from './testbed.ts'
import type { Tool } from './tool.ts'
import { phaseOf, ToolRun } from './tool-run.ts'
import { inTurn } from './uncontended.ts'

/**
 * From the end of one command to the start of the next, whose runner has been waiting: `rounds` of `runs` of each tool,
 * by turns. Those that poll take long and are compared with nobody: afterwards, and `polledRuns` of each.
 */
export async function measureHandOver(
  testbed: Testbed,
  { rounds, runs, polledRuns }: { rounds: number; runs: number; polledRuns: number },
): Promise<Row[]> {
  const samples = new Samples()
  const { contestants } = testbed.tools
  const chainsOf = (tools: readonly Tool[]) => Promise.all(tools.map((tool) => Chain.start(testbed, tool)))
  const chains = await chainsOf(contestants.filter(({ pollMs }) => pollMs === 0))
  for (let round = 0; round < rounds; round++) {
    const took = new Map<string, number[]>(chains.map(({ tool }) => [tool.name, []]))
    for (let run = 0; run < runs; run++)
      for (const chain of inTurn(chains, run)) took.get(chain.tool.name)?.push(await chain.handOver())
    for (const [name, ms] of took) samples.add(name, ...ms)
  }
  for (const chain of chains) await chain.end()
  for (const chain of await chainsOf(contestants.filter(({ pollMs }) => pollMs > 0))) {
    for (let run = 0; run < polledRuns; run++) samples.add(chain.tool.name, await chain.handOver())
    await chain.end()
  }
  const goal = { ratio: 1 }
  return [
    samples.row({ id: 'hand-over.p50', what: 'hand-over to a waiting one: p50', unit: 'ms', goal }, median),
    samples.row({ id: 'hand-over.p99', what: 'hand-over to a waiting one: p99', unit: 'ms', goal }, (all) =>
      quantile(all, 0.99),
    ),
  ]
}

/** One holder after the other, each with the next one waiting. */
class Chain {
  readonly tool: Tool
  readonly #testbed: Testbed
  readonly #lock: string
  #holder: ToolRun

  private constructor(testbed: Testbed, tool: Tool, lock: string, holder: ToolRun) {
    this.tool = tool
    this.#testbed = testbed
    this.#lock = lock
    this.#holder = holder
  }

  static async start(testbed: Testbed, tool: Tool): Promise<Chain> {
    const lock = testbed.lock('hand-over')
    const holder = await ToolRun.start(testbed, tool, lock)
    await holder.begun
    return new Chain(testbed, tool, lock, holder)
  }

  /** Settles with what one took, in ms, when all has become quiet again. */
  async handOver(): Promise<number> {
    const next = await ToolRun.start(this.#testbed, this.tool, this.#lock)
    await next.asleep()
    await delay(phaseOf(this.tool))
    this.#holder.release()
    const [end, begin] = await Promise.all([this.#holder.finished, next.begun])
    await this.#holder.ended
    this.#holder = next
    return begin - end
  }

  async end(): Promise<void> {
    this.#holder.release()
    await this.#holder.ended
  }
}
