import autocannon from 'autocannon'
import { freePorts } from '../provide/ports.ts'
import { median } from '../stage/statistics.ts'
import { memoryOf } from './process-tree.ts'
import { MB } from './row.ts'
import type { Testbed } from './testbed.ts'

/** What `discovery serve` does in a second, and what it takes. */
export interface Serving {
  readonly connections: number
  /** Of one token. */
  readonly lookupsPerSecond: number
  readonly lookupP99Ms: number
  /** Answers other than 200, and connections that broke. */
  readonly failures: number
  /** So many publish under one token at once. */
  readonly publishers: number
  /** From the first request to the last answer. */
  readonly publicationMs: number
  readonly memoryBeforeMB: number
  readonly memoryAfterMB: number
}

const CONNECTIONS = 50
const PUBLISHERS = 50
/** A token takes 16. */
const SERVERS = 16
const READY_MS = 10_000

/** Has one token looked up for so many seconds, and published under in so many rounds, from this very machine. */
export async function measureServing(
  testbed: Testbed,
  { seconds, rounds }: { seconds: number; rounds: number },
): Promise<Serving> {
  const { http: port } = await freePorts()
  const url = `http://127.0.0.1:${port}`
  const words = ['discovery', 'serve', '--listen', `127.0.0.1:${port}`, '--rate-limit', '0']
  const server = testbed.start([testbed.tools.locker, ...words])
  const token = await patientlyMade(url)
  const publish = async (server: string) => {
    const { status } = await fetch(`${url}/${token}`, { method: 'PUT', body: JSON.stringify([server]) })
    if (status !== 200) throw new Error(`A publication was answered with ${status}.`)
  }
  const samples: number[] = []
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now()
    const servers = Array.from({ length: PUBLISHERS }, (_, n) => `10.0.0.${(n % SERVERS) + 1}:8300`)
    await Promise.all(servers.map(publish))
    samples.push(performance.now() - startedAt)
  }
  const load = { url: `${url}/${token}`, connections: CONNECTIONS }
  // What comes into being with the first requests is no growth.
  await autocannon({ ...load, duration: 1 })
  const memoryMB = () => memoryOf([server.pid]).privateDirty / MB
  const memoryBeforeMB = memoryMB()
  const { requests, latency, non2xx, errors } = await autocannon({ ...load, duration: seconds })
  const memoryAfterMB = memoryMB()
  process.kill(server.pid, 'SIGTERM')
  await server.ended
  return {
    connections: CONNECTIONS,
    lookupsPerSecond: requests.average,
    lookupP99Ms: latency.p99,
    failures: non2xx + errors,
    publishers: PUBLISHERS,
    publicationMs: median(samples).value,
    memoryBeforeMB,
    memoryAfterMB,
  }
}

/** What was measured, in a sentence. */
export function servingText(serving: Serving): string {
  const { connections, lookupsPerSecond, lookupP99Ms, failures, publishers, publicationMs } = serving
  return (
    `\`discovery serve\` answers ${lookupsPerSecond.toFixed(0)} lookups of one token a second, asked over ` +
    `${connections} connections from the same machine (99 of 100 within ${lookupP99Ms.toFixed(0)} ms, ${failures} failed), and ` +
    `takes ${serving.memoryBeforeMB.toFixed(1)} MB of private memory before and ${serving.memoryAfterMB.toFixed(1)} MB after; ` +
    `${publishers} publications under one token at once take ${publicationMs.toFixed(0)} ms.`
  )
}

/** A new token, as soon as the server is there. */
async function patientlyMade(url: string): Promise<string> {
  const end = performance.now() + READY_MS
  for (;;) {
    try {
      return await (await fetch(`${url}/new`)).text()
    } catch (thrown) {
      if (performance.now() > end) throw thrown
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
