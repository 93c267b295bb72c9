import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { quantile } from '../stage/statistics.ts'
import { type Passage, pass } from './herd.ts'
import { cpuMsOf } from './process-tree.ts'
import type { Testbed } from './testbed.ts'

/** What a long line, and many holders, ask of Consul. */
export interface Scale {
  readonly lines: readonly (Passage & { readonly waiters: number })[]
  readonly holders: Holding
}

/** Many locks, each with a holder that renews its session. */
export interface Holding {
  readonly holders: number
  readonly renewalsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Renewals that Consul answered with anything but 200. */
  readonly failures: number
  /** How many cores Consul takes for it. */
  readonly cores: number
}

const SETTLE_LIMIT_MS = 60_000
const TTL_S = 15
const RENEW_MS = 10_000
const CONNECTIONS = 100

/** Lines of so many waiters, as real runs, and so many holders, which are this process's requests alone. */
export async function measureScale(
  testbed: Testbed,
  { waiters, holders, seconds }: { waiters: readonly number[]; holders: number; seconds: number },
): Promise<Scale> {
  const [ours] = testbed.tools.contestants
  if (!ours) throw new Error('There is nobody to wait.')
  const lines = []
  for (const count of waiters) lines.push({ waiters: count, ...(await pass(testbed, ours, count, SETTLE_LIMIT_MS)) })
  return { lines, holders: await measureHolding(testbed, holders, seconds) }
}

async function measureHolding(testbed: Testbed, holders: number, seconds: number): Promise<Holding> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const put = (path: string, body = '') => answered(agent, `${testbed.agent.address}/v1/${path}`, body)
  const sessions: string[] = []
  const startedAt = performance.now()
  const renewal = { took: [] as number[], failures: 0, flying: new Set<Promise<void>>() }
  const renew = async (session: string) => {
    const sentAt = performance.now()
    const { status } = await put(`session/renew/${session}`)
    renewal.took.push(performance.now() - sentAt)
    if (status !== 200) renewal.failures += 1
  }
  const hold = async (n: number) => {
    const { body } = await put('session/create', JSON.stringify({ TTL: `${TTL_S}s`, LockDelay: '24s' }))
    const { ID } = JSON.parse(body) as { ID: string }
    await put(`kv/consul-locker-held-${n}?acquire=${ID}`, JSON.stringify({ host: 'web1', pid: n }))
    sessions.push(ID)
  }
  // Each is renewed from its own start on: those that come first must not expire before the last has come.
  const beats = new AbortController()
  const beating = (async () => {
    for (let beat = 0; !beats.signal.aborted; beat++) {
      const index = beat % holders
      const round = Math.floor(beat / holders)
      const waitMs = startedAt + (round + index / holders) * RENEW_MS - performance.now()
      // A timer takes a millisecond at least: who is late has none.
      if (waitMs > 0) await delay(waitMs)
      const session = sessions[index]
      if (session === undefined) continue
      const flight = renew(session).finally(() => renewal.flying.delete(flight))
      renewal.flying.add(flight)
    }
  })()
  const numbers = Array.from({ length: holders }, (_, n) => n)[Symbol.iterator]()
  await Promise.all(
    Array.from({ length: CONNECTIONS / 2 }, async () => {
      for (const n of numbers) await hold(n)
    }),
  )
  await delay(RENEW_MS)
  Object.assign(renewal, { took: [], failures: 0 })
  const before = { cpuMs: cpuMsOf([testbed.agent.pid]), at: performance.now() }
  await delay(seconds * 1000)
  const elapsedMs = performance.now() - before.at
  const cores = (cpuMsOf([testbed.agent.pid]) - before.cpuMs) / elapsedMs
  beats.abort()
  await beating
  await Promise.all(renewal.flying)
  agent.destroy()
  const { took, failures } = renewal
  return {
    ...{ holders, failures, cores, renewalsPerSecond: (took.length * 1000) / elapsedMs },
    ...{ p50Ms: quantile(took, 0.5).value, p99Ms: quantile(took, 0.99).value },
  }
}

function answered(agent: Agent, url: string, body: string): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  const sent = request(url, { agent, method: 'PUT' }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text })).on('error', reject)
  })
  sent.on('error', reject).end(body)
  return promise
}

/** What was measured, in sentences. */
export function scaleText({ lines, holders }: Scale): string {
  const line = ({ waiters, ms, requests, raftWrites, consulMs, sentBytes }: Scale['lines'][number]) => {
    const each = (sum: number) => (sum / waiters).toFixed(1)
    return (
      `A line of ${waiters} waiters passes in ${(ms / 1000).toFixed(1)} s; a hand-over takes ${each(ms)} ms, ` +
      `${each(requests)} requests, ${each(raftWrites)} raft writes, ${each(sentBytes / 1000)} kB that Consul sends, and ` +
      `${each(consulMs)} ms of its CPU.`
    )
  }
  const { renewalsPerSecond, p50Ms, p99Ms, failures, cores } = holders
  return [
    ...lines.map(line),
    `${holders.holders} holders of a lock each renew ${renewalsPerSecond.toFixed(0)} sessions a second (half of them within ` +
      `${p50Ms.toFixed(1)} ms, 99 of 100 within ${p99Ms.toFixed(0)} ms, ${failures} failed); Consul takes ${cores.toFixed(2)} cores for it.`,
  ].join(' ')
}
