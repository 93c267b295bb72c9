import { setTimeout as delay } from 'node:timers/promises'
import { median } from '../stage/statistics.ts'
import { type Row, Samples } from './row.ts'
import type { Testbed } from './testbed.ts'
import type { Tool } from './tool.ts'
import { cpuMsIn, inTurn } from './uncontended.ts'

/** How many runners there are at a time, for how long, and how often that is tried. */
export interface Rush {
  readonly runners: number
  readonly seconds: number
  readonly rounds: number
  /** How often with those that poll: they are compared with nobody. */
  readonly polledRounds: number
}

/** A guardian, or a request that was given up, outlives its runner for a moment. */
const PAUSE_S = 0.3

/** What a tool left behind is gone when the next one begins. */
const BETWEEN_MS = 500

/**
 * Runs a command under the lock, by so many runners at a time for so many seconds, each of them again as soon as it has
 * ended. Says of each section when its runner started and ended, in seconds since 1970, and at the end what all took.
 */
const SCRIPT = `
set -u
runners=$1 end=$((\${EPOCHREALTIME/./} + $2 * 1000000)) pids=()
shift 2
runner() {
  while ((\${EPOCHREALTIME/./} < end)); do
    since=$EPOCHREALTIME
    "$@" || exit
    echo "$since $EPOCHREALTIME"
  done
}
for ((i = 0; i < runners; i++)); do runner "$@" & pids+=($!); done
for pid in "\${pids[@]}"; do wait "$pid" || exit; done
sleep ${PAUSE_S}
times`

/**
 * Sections that are no more than `true`, with several runners at each time of which none ever pauses: what a section
 * takes of time and CPU, how long the longest took from its runner's start to its end, and what it asks of Consul.
 */
export async function measureContended(testbed: Testbed, rushes: readonly Rush[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const rush of rushes) rows.push(...(await measureRush(testbed, rush)))
  return rows
}

async function measureRush(testbed: Testbed, rush: Rush): Promise<Row[]> {
  const [time, cpu, longest, requests] = [new Samples(), new Samples(), new Samples(), new Samples()]
  for (let round = 0; round < rush.rounds; round++) {
    const tools = testbed.tools.contestants.filter(({ pollMs }) => pollMs === 0 || round < rush.polledRounds)
    for (const tool of inTurn(tools, round)) {
      const passage = await pass(testbed, tool, rush)
      time.add(tool.name, passage.sectionMs)
      cpu.add(tool.name, passage.cpuMs)
      longest.add(tool.name, passage.longestMs)
      requests.add(tool.name, passage.requests)
      await delay(BETWEEN_MS)
    }
  }
  const { runners } = rush
  const id = `contended.${runners}`
  const what = `${runners} runners at a time`
  const goal = (ratio: number) => (runners === 8 ? { goal: { ratio } } : {})
  return [
    time.row({ id: `${id}.time`, what: `${what}: time of a section`, unit: 'ms', ...goal(1) }, median),
    cpu.row({ id: `${id}.cpu`, what: `${what}: CPU of a section, of all processes`, unit: 'ms', ...goal(1.1) }, median),
    longest.row({ id: `${id}.longest`, what: `${what}: longest from a start to its end`, unit: 'ms' }, median),
    requests.row({ id: `${id}.requests`, what: `${what}: requests of a section`, unit: 'count' }, median),
  ]
}

/** What one tool does in one rush: all but the longest are means of its sections. */
async function pass(testbed: Testbed, tool: Tool, { runners, seconds }: Rush) {
  const words = [...tool.words(testbed.lock('contended')), '/bin/true']
  let output = ''
  const { requests } = await testbed.telemetry.during(async () => {
    const counts = [String(runners), String(seconds)]
    output = await testbed.run([...testbed.reaper, 'bash', '-c', SCRIPT, 'reaper', ...counts, ...words])
  })
  const sections = [...output.matchAll(/^(\d+\.\d+) (\d+\.\d+)$/gm)].map(([, since, until]) => ({
    since: Number(since) * 1000,
    until: Number(until) * 1000,
  }))
  if (sections.length === 0) throw new Error(`${words.join(' ')} ran no section.`)
  const begin = Math.min(...sections.map(({ since }) => since))
  const inTime = sections.filter(({ until }) => until <= begin + seconds * 1000)
  return {
    // Those that end afterwards have fewer beside them, or sleep as the last.
    sectionMs: (seconds * 1000) / inTime.length,
    cpuMs: cpuMsIn(output) / sections.length,
    longestMs: Math.max(...sections.map(({ since, until }) => until - since)),
    requests: requests / sections.length,
  }
}
