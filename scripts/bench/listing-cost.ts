import { setTimeout as delay } from 'node:timers/promises'
import { median } from '../stage/statistics.ts'
import { type Estimate, estimate, estimateText, goalText } from './estimate.ts'
import { memoryOf } from './process-tree.ts'
import { MB } from './row.ts'
import type { Testbed } from './testbed.ts'

/** What it takes to list many locks, and to watch them. */
export interface Listing {
  readonly locks: number
  readonly held: number
  /** What Consul sends for a recursive read of all of them. */
  readonly sentMB: number
  readonly sendingMs: number
  readonly listingMs: number
  /** How much longer the listing takes than the sending. */
  readonly moreMs: Estimate
  readonly goalMs: number
  /** Of `locks --watch`, after its first readings, and after so many changes more. */
  readonly memoryBeforeMB: number
  readonly memoryAfterMB: number
  readonly changes: number
}

const GOAL_MS = 1000
const PREFIX = 'consul-locker-many-'
/** Consul takes 64 operations, and half a megabyte. */
const AT_ONCE = 50
const RUNS = 20
const SETTLED_CHANGES = 2

/** Lists so many locks with full histories, a tenth of them held, and watches them while they change. */
export async function measureListing(
  testbed: Testbed,
  { locks, rounds, changes }: { locks: number; rounds: number; changes: number },
): Promise<Listing> {
  const url = `${testbed.agent.address}/v1`
  const held = await fill(url, locks)
  const words = [testbed.tools.locker, 'locks', 'many-*']
  const samples: { readonly sendingMs: number; readonly listingMs: number }[] = []
  let sentMB = 0
  for (let round = 0; round < rounds; round++) {
    const sent = await timed(() => received(`${url}/kv/${PREFIX}?recurse`))
    sentMB = sent.result
    samples.push({ sendingMs: sent.ms, listingMs: (await timed(() => testbed.run(words))).ms })
  }
  const medianOf = (rounds: readonly (typeof samples)[number][], which: 'sendingMs' | 'listingMs') =>
    median(rounds.map((round) => round[which])).value
  const watch = testbed.start([...words, '--watch'], (text) => {
    lines += text.split('\n').length - 1
  })
  let lines = 0
  const memoryMB = () => memoryOf([watch.pid]).privateDirty / MB
  const change = async (n: number) => {
    const before = lines
    await write(url, [{ Verb: 'set', Key: `${PREFIX}changes=runs`, Value: historyOf(n) }])
    while (lines === before) await delay(50)
  }
  while (lines < held) await delay(50)
  for (let n = 0; n < SETTLED_CHANGES; n++) await change(n)
  const memoryBeforeMB = memoryMB()
  for (let n = 0; n < changes; n++) await change(SETTLED_CHANGES + n)
  const memoryAfterMB = memoryMB()
  process.kill(watch.pid, 'SIGKILL')
  await watch.ended.catch(() => {})
  await fetch(`${url}/kv/${PREFIX}?recurse`, { method: 'DELETE' })
  return {
    ...{ locks, held, sentMB, goalMs: GOAL_MS },
    ...{ sendingMs: medianOf(samples, 'sendingMs'), listingMs: medianOf(samples, 'listingMs') },
    moreMs: estimate(samples, (drawn) => medianOf(drawn, 'listingMs') - medianOf(drawn, 'sendingMs')),
    ...{ memoryBeforeMB, memoryAfterMB, changes },
  }
}

interface Step {
  readonly Verb: 'set' | 'lock'
  readonly Key: string
  readonly Value: string
  readonly Session?: string
}

/** Makes the locks; settles with how many of them are held. */
async function fill(url: string, locks: number): Promise<number> {
  const created = await fetch(`${url}/session/create`, { method: 'PUT', body: '{"LockDelay":"0s"}' })
  const { ID: Session } = (await created.json()) as { ID: string }
  const steps = Array.from({ length: locks }, (_, n): Step[] => {
    const Key = `${PREFIX}${n}`
    const runs: Step = { Verb: 'set', Key: `${Key}=runs`, Value: historyOf(n) }
    return n % 10 === 0 ? [runs, { Verb: 'lock', Key, Value: holderOf(n), Session }] : [runs]
  }).flat()
  for (let at = 0; at < steps.length; at += AT_ONCE) await write(url, steps.slice(at, at + AT_ONCE))
  return Math.ceil(locks / 10)
}

async function write(url: string, steps: readonly Step[]): Promise<void> {
  const body = JSON.stringify(
    steps.map((step) => ({ KV: { ...step, Value: Buffer.from(step.Value).toString('base64') } })),
  )
  const { status } = await fetch(`${url}/txn`, { method: 'PUT', body })
  if (status !== 200) throw new Error(`A transaction was answered with ${status}.`)
}

const AT = Date.parse('2026-11-28T23:00:00Z')
const who = (n: number) => ({ host: `web${n % 100}.example.com`, user: 'root', runId: `9ab98b35-3735-4010-a43b-${n}` })

function historyOf(n: number): string {
  const runs = Array.from({ length: RUNS }, (_, run) => ({
    ...who(n),
    ...{ command: './bootstrap.sh', start: new Date(AT + run * 3_600_000 + n).toISOString() },
    ...{
      runId: `9ab98b35-${n}-${run}`,
      ranMs: 252_000 + n,
      waitedMs: 12,
      fence: 88_123 + run,
      code: run % 7 === 0 ? 1 : 0,
    },
  }))
  return JSON.stringify({ runs })
}

function holderOf(n: number): string {
  const since = new Date(AT + n).toISOString()
  return JSON.stringify({ ...who(n), pid: 812, command: ['./bootstrap.sh'], since, lockDelayMs: 24_000 })
}

/** How many megabytes an answer has. */
async function received(url: string): Promise<number> {
  return (await (await fetch(url)).arrayBuffer()).byteLength / MB
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly ms: number }> {
  const startedAt = performance.now()
  const result = await work()
  return { result, ms: performance.now() - startedAt }
}

/** What was measured, in a sentence. */
export function listingText(listing: Listing): string {
  const { locks, held, sentMB, sendingMs, listingMs, moreMs, goalMs, memoryBeforeMB, memoryAfterMB, changes } = listing
  const seconds = (ms: number) => (ms / 1000).toFixed(1)
  return (
    `\`locks\` lists ${locks} locks with full histories, ${held} of them held, in ${seconds(listingMs)} s; Consul takes ` +
    `${seconds(sendingMs)} s to send their ${sentMB.toFixed(0)} MB. That is ${estimateText(moreMs, seconds)} s more (goal ` +
    `${goalText(moreMs, goalMs, `${goalMs / 1000} s`)}). \`locks --watch\` of them takes ${memoryBeforeMB.toFixed(0)} MB of private ` +
    `memory at first, and ${memoryAfterMB.toFixed(0)} MB ${changes} changes later.`
  )
}
