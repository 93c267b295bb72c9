import { readFileSync } from 'node:fs'
import { program } from '../provide/debian.ts'
import { median } from '../stage/statistics.ts'
import { peaksOf } from './process-tree.ts'
import { MB, type Row, Samples } from './row.ts'
import type { Testbed } from './testbed.ts'
import type { Tool } from './tool.ts'
import { ToolRun } from './tool-run.ts'

const TRUE = '/bin/true'
const PAUSE_S = 0.3

/** A run of `true` under a lock that nobody else wants: `rounds` in turn, each of `runs` runs of each tool. */
export async function measureUncontended(
  testbed: Testbed,
  { rounds, runs }: { rounds: number; runs: number },
): Promise<Row[]> {
  const { contestants, flock, consulLockShell } = testbed.tools
  const tools = [...contestants, consulLockShell, flock]
  const [wall, cpu, largest, peak] = [new Samples(), new Samples(), new Samples(), new Samples()]
  for (let round = 0; round < rounds; round++) {
    const order = inTurn(tools, round)
    for (const [tool, ms] of await wallMs(testbed, order, runs)) wall.add(tool, ...ms)
    for (const tool of order) cpu.add(tool.name, await cpuMs(testbed, tool, runs))
    for (const tool of inTurn(contestants, round)) {
      const bytes = await peakOf(testbed, tool)
      largest.add(tool.name, bytes / MB)
      peak.add(tool.name, (bytes + (await companionsOf(testbed, tool))) / MB)
    }
  }
  const id = 'uncontended'
  return [
    wall.row({ id: `${id}.wall`, what: 'a run of `true`: time', unit: 'ms', goal: { ratio: 1.15 } }, median),
    cpu.row({ id: `${id}.cpu`, what: 'a run of `true`: CPU, of all its processes', unit: 'ms' }, median),
    largest.row(
      { id: `${id}.peak-largest`, what: 'a run of `true`: peak memory of the largest process', unit: 'MB' },
      median,
    ),
    peak.row(
      {
        id: `${id}.peak`,
        what: 'a run of `true`: peak memory, of all its processes',
        unit: 'MB',
        goal: { ratio: 1.25 },
      },
      median,
    ),
  ]
}

/** The tools in an order that moves on by one from round to round, so that nobody always comes after the same one. */
export function inTurn<T>(tools: readonly T[], round: number): T[] {
  const first = round % tools.length
  return [...tools.slice(first), ...tools.slice(0, first)]
}

async function wallMs(testbed: Testbed, tools: readonly Tool[], runs: number): Promise<[string, number[]][]> {
  const hyperfine = await program('hyperfine', 'hyperfine')
  const file = testbed.file('hyperfine')
  const settings = [
    '-N',
    '--style',
    'none',
    '--warmup',
    '2',
    '--runs',
    String(Math.max(2, runs)),
    '--export-json',
    file,
  ]
  const commands = tools.map((tool) => [...tool.words(testbed.lock('wall')), TRUE].map((word) => `'${word}'`).join(' '))
  await testbed.run([hyperfine.path, ...settings, ...commands])
  const { results } = JSON.parse(readFileSync(file, 'utf8')) as { results: { times: number[] }[] }
  return tools.map(({ name }, index) => [name, (results[index]?.times ?? []).map((seconds) => seconds * 1000)])
}

/** User and system time of a run, by the shell around it, with what outlives the tool for a moment. */
async function cpuMs(testbed: Testbed, tool: Tool, runs: number): Promise<number> {
  const script = `n=$1; shift; for ((i = 0; i < n; i++)); do "$@" || exit; done; sleep ${PAUSE_S}; times`
  const words = [...tool.words(testbed.lock('cpu')), TRUE]
  const output = await testbed.run([...testbed.reaper, 'bash', '-c', script, 'reaper', String(runs), ...words])
  return cpuMsIn(output) / runs
}

/**
 * User and system time in ms of all that a shell has waited for, by the last line of an output that ends with `times`.
 */
export function cpuMsIn(output: string): number {
  const [, user = 0, system = 0] = [...(/^(.+) (.+)$/.exec(output.trim().split('\n').at(-1) ?? '') ?? [])].map(seconds)
  return (user + system) * 1000
}

function seconds(text: string): number {
  const [, m = 0, s = 0] = /^(\d+)m([\d.]+)s$/.exec(text) ?? []
  return Number(m) * 60 + Number(s)
}

/** The most memory that a process of the run had at a time; the kernel tells it of the largest. */
async function peakOf(testbed: Testbed, tool: Tool): Promise<number> {
  const time = await program('time', 'time')
  const file = testbed.file('time')
  await testbed.run([time.path, '--format', '%M', '--output', file, ...tool.words(testbed.lock('peak')), TRUE])
  return Number(readFileSync(file, 'utf8')) * 1024
}

/** The peaks of the other processes that a tool has while its command runs, added up. */
async function companionsOf(testbed: Testbed, tool: Tool): Promise<number> {
  const run = await ToolRun.start(testbed, tool, testbed.lock('peak'))
  await run.begun
  await run.asleep()
  const companions = run.processes().filter((pid) => pid !== run.pid)
  const bytes = peaksOf(companions)
  run.release()
  await run.ended
  return bytes
}
