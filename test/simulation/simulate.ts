// npm run simulate: seeded stories of runners, faults and operators, in virtual time. See --help.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { scheduleOf } from './schedule.ts'
import { type Ending, tell } from './story.ts'

/** What many stories gave, added up. */
interface Tally {
  seeds: number
  lives: number
  requests: number
  excused: number
  outcomes: Record<string, number>
  failures: Ending[]
}

const FAILURES_SHOWN = 20
const REPORT_EVERY = 1000

function emptyTally(): Tally {
  return { seeds: 0, lives: 0, requests: 0, excused: 0, outcomes: {}, failures: [] }
}

function add(tally: Tally, ending: Ending): void {
  tally.seeds += 1
  tally.lives += ending.lives
  tally.requests += ending.requests
  tally.excused += ending.excused
  for (const [kind, count] of Object.entries(ending.outcomes))
    tally.outcomes[kind] = (tally.outcomes[kind] ?? 0) + count
  if (ending.violations.length > 0) tally.failures.push(ending)
}

function merge(into: Tally, part: Tally): void {
  into.seeds += part.seeds
  into.lives += part.lives
  into.requests += part.requests
  into.excused += part.excused
  for (const [kind, count] of Object.entries(part.outcomes)) into.outcomes[kind] = (into.outcomes[kind] ?? 0) + count
  into.failures.push(...part.failures)
}

/** In a worker: every `step`th seed of a range, reported in parts. */
async function work({ from, to, step }: { from: number; to: number; step: number }): Promise<void> {
  let tally = emptyTally()
  for (let seed = from; seed < to; seed += step) {
    add(tally, await tell(seed))
    if (tally.seeds < REPORT_EVERY && seed + step < to) continue
    parentPort?.postMessage(tally)
    tally = emptyTally()
    await new Promise(setImmediate)
  }
}

async function simulate({ from, seeds, workers }: Settings): Promise<boolean> {
  const total = emptyTally()
  const beganAt = performance.now()
  const runs = Array.from({ length: workers }, (_, n) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { from: from + n, to: from + seeds, step: workers },
    })
    worker.on('message', (part: Tally) => {
      for (const { seed, violations } of part.failures.slice(0, FAILURES_SHOWN)) {
        console.log(`seed ${seed}: ${violations.join('; ')}`)
      }
      merge(total, part)
      if (process.stderr.isTTY) process.stderr.write(`\r${total.seeds} of ${seeds} seeds`)
    })
    return new Promise<void>((resolve, reject) => {
      worker.on('error', reject)
      worker.on('exit', () => resolve())
    })
  })
  await Promise.all(runs)
  const seconds = (performance.now() - beganAt) / 1000
  const perSecond = (count: number) => Math.round(count / seconds)
  console.log(`${process.stderr.isTTY ? '\n' : ''}${total.seeds} stories with ${total.lives} commands' lives and
${total.requests} requests in ${seconds.toFixed(1)} s (${perSecond(total.lives)} lives per second, ${workers} workers)
runs: ${JSON.stringify(total.outcomes)}
overlaps excluded by name (key deleted, lock-delay lost, snapshot restored): ${total.excused}
stories with a violation: ${total.failures.length}`)
  return total.failures.length === 0 && total.seeds === seeds
}

async function replay(seed: number): Promise<boolean> {
  console.log(JSON.stringify(scheduleOf(seed), undefined, 2))
  const ending = await tell(seed)
  console.log(JSON.stringify(ending, undefined, 2))
  return ending.violations.length === 0
}

const usage = `Usage: npm run simulate -- [--seeds 10000] [--from 0] [--workers 2]
       npm run simulate -- --seed 4711

Stories of runners, faults and operators around one lock, in virtual time; each
seed is another one. With --seed that one is told at length.
`

interface Settings {
  readonly from: number
  readonly seeds: number
  readonly workers: number
  /** This story alone. */
  readonly seed: number | undefined
}

function settingsOf(argv: string[]): Settings | 'help' {
  const { values } = parseArgs({
    args: argv,
    options: {
      seeds: { type: 'string', default: '10000' },
      from: { type: 'string', default: '0' },
      workers: { type: 'string', default: String(availableParallelism()) },
      seed: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const count = (name: 'seeds' | 'from' | 'workers' | 'seed', least: number) => {
    const value = Number(values[name])
    if (!Number.isSafeInteger(value) || value < least) throw new Error(`--${name} ${values[name]} is no such number.`)
    return value
  }
  return {
    from: count('from', 0),
    seeds: count('seeds', 1),
    workers: count('workers', 1),
    seed: values.seed === undefined ? undefined : count('seed', 0),
  }
}

async function main(argv: string[]): Promise<number> {
  const settings = settingsOf(argv)
  if (settings === 'help') {
    process.stdout.write(usage)
    return 0
  }
  const fine = settings.seed === undefined ? await simulate(settings) : await replay(settings.seed)
  return fine ? 0 : 1
}

const USAGE = 2

if (isMainThread) {
  process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
    console.error(error.message)
    return USAGE
  })
} else {
  await work(workerData)
}
