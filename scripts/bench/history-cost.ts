import { readFileSync } from 'node:fs'
import { program } from '../provide/debian.ts'
import { median } from '../stage/statistics.ts'
import { type Estimate, estimate, estimateText, goalText } from './estimate.ts'
import type { Traffic } from './telemetry.ts'
import type { Testbed } from './testbed.ts'

/** What a run costs that writes the history of its lock, beside one that doesn't. */
export interface HistoryCost {
  readonly withMs: number
  readonly withoutMs: number
  readonly ratio: Estimate
  readonly goal: number
  /** Of one run each. */
  readonly traffic: { readonly with: Traffic; readonly without: Traffic }
}

const GOAL = 1.02
/** A history is as long as it gets after so many runs. */
const FULL = 20
const TRAFFIC_RUNS = 10

/**
 * Runs of `true` under two locks in turn. Beside one of them stands what is no history, and which a run therefore
 * leaves alone; beside the other one a history that is full.
 */
export async function measureHistory(
  testbed: Testbed,
  { rounds, runs }: { rounds: number; runs: number },
): Promise<HistoryCost> {
  const { locker } = testbed.tools
  const locks = { with: testbed.lock('history'), without: testbed.lock('history') }
  await fetch(`${testbed.agent.address}/v1/kv/consul-locker-${locks.without}=runs`, {
    method: 'PUT',
    body: 'no history',
  })
  for (let run = 0; run < FULL; run++) await testbed.run([locker, locks.with, 'true'])
  const samples: { readonly with: number[]; readonly without: number[] }[] = []
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? (['with', 'without'] as const) : (['without', 'with'] as const)
    const took = { with: [] as number[], without: [] as number[] }
    for (const which of order) took[which] = await wallMs(testbed, [locker, locks[which], 'true'], runs)
    samples.push(took)
  }
  const medianOf = (rounds: readonly (typeof samples)[number][], which: 'with' | 'without') =>
    median(rounds.flatMap((round) => round[which])).value
  const trafficOf = (lock: string) => trafficPerRun(testbed, [locker, lock, 'true'])
  return {
    withMs: medianOf(samples, 'with'),
    withoutMs: medianOf(samples, 'without'),
    ratio: estimate(samples, (drawn) => medianOf(drawn, 'with') / medianOf(drawn, 'without')),
    goal: GOAL,
    traffic: { with: await trafficOf(locks.with), without: await trafficOf(locks.without) },
  }
}

async function wallMs(testbed: Testbed, words: readonly string[], runs: number): Promise<number[]> {
  const hyperfine = await program('hyperfine', 'hyperfine')
  const file = testbed.file('hyperfine')
  const settings = [
    '-N',
    '--style',
    'none',
    '--warmup',
    '1',
    '--runs',
    String(Math.max(2, runs)),
    '--export-json',
    file,
  ]
  await testbed.run([hyperfine.path, ...settings, words.map((word) => `'${word}'`).join(' ')])
  const { results } = JSON.parse(readFileSync(file, 'utf8')) as { results: { times: number[] }[] }
  return (results[0]?.times ?? []).map((seconds) => seconds * 1000)
}

async function trafficPerRun(testbed: Testbed, words: readonly string[]): Promise<Traffic> {
  const { requests, raftWrites } = await testbed.telemetry.during(async () => {
    for (let run = 0; run < TRAFFIC_RUNS; run++) await testbed.run(words)
  })
  return { requests: requests / TRAFFIC_RUNS, raftWrites: raftWrites / TRAFFIC_RUNS }
}

/** What was measured, in a sentence. */
export function historyText({ withMs, withoutMs, ratio, goal, traffic }: HistoryCost): string {
  const counts = ({ requests, raftWrites }: Traffic) =>
    `${requests.toFixed(1)} requests and ${raftWrites.toFixed(1)} raft writes`
  return (
    `A run of \`true\` that writes a full history takes ${withMs.toFixed(1)} ms, one that writes none ` +
    `${withoutMs.toFixed(1)} ms: ratio ${estimateText(ratio, (value) => value.toFixed(3))} (goal ${goalText(ratio, goal, `${goal}`)}), ` +
    `${counts(traffic.with)} against ${counts(traffic.without)}.`
  )
}
