import { setTimeout as delay } from 'node:timers/promises'
import { median } from '../stage/statistics.ts'
import { cpuMsOf, writtenBytesOf } from './process-tree.ts'
import { type Row, Samples } from './row.ts'
import type { Testbed } from './testbed.ts'
import type { Tool } from './tool.ts'
import { asleep, phaseOf, stampsIn, ToolRun } from './tool-run.ts'
import { inTurn } from './uncontended.ts'

/** How many wait, and how often that is tried. */
export interface Crowd {
  readonly waiters: number
  readonly rounds: number
  /** How often with those that poll: they take long, and are compared with nobody. */
  readonly polledRounds: number
}

const SETTLE_LIMIT_MS = 8000
/** A crowd that polls is never quiet. */
const POLLING_SETTLE_LIMIT_MS = 3000

/** Crowds of waiters that pass through one lock, each with a command that takes no time, once it is released. */
export async function measureHerd(testbed: Testbed, crowds: readonly Crowd[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const crowd of crowds) rows.push(...(await measureCrowd(testbed, crowd)))
  return rows
}

async function measureCrowd(testbed: Testbed, { waiters, rounds, polledRounds }: Crowd): Promise<Row[]> {
  const [total, requests, raftWrites] = [new Samples(), new Samples(), new Samples()]
  const [sent, consul] = [new Samples(), new Samples()]
  for (let round = 0; round < rounds; round++) {
    const tools = testbed.tools.contestants.filter(({ pollMs }) => pollMs === 0 || round < polledRounds)
    for (const tool of inTurn(tools, round)) {
      const passage = await pass(testbed, tool, waiters, tool.pollMs > 0 ? POLLING_SETTLE_LIMIT_MS : SETTLE_LIMIT_MS)
      total.add(tool.name, passage.ms)
      requests.add(tool.name, passage.requests / waiters)
      raftWrites.add(tool.name, passage.raftWrites / waiters)
      consul.add(tool.name, passage.consulMs / waiters)
      sent.add(tool.name, passage.sentBytes / waiters / 1000)
    }
  }
  const what = waiters === 1 ? '1 waiter' : `${waiters} waiters`
  const isMany = waiters >= 100
  return [
    total.row(
      { id: `herd.total.${waiters}`, what: `${what} pass: time`, unit: 'ms', ...(isMany && { goal: { ratio: 0.5 } }) },
      median,
    ),
    requests.row(
      {
        id: `herd.requests.${waiters}`,
        what: `${what} pass: requests per hand-over`,
        unit: 'count',
        ...(isMany && { goal: { value: 10 } }),
      },
      median,
    ),
    raftWrites.row(
      { id: `herd.raft-writes.${waiters}`, what: `${what} pass: raft writes per hand-over`, unit: 'count' },
      median,
    ),
    sent.row({ id: `herd.sent.${waiters}`, what: `${what} pass: Consul sends per hand-over`, unit: 'kB' }, median),
    consul.row({ id: `herd.consul.${waiters}`, what: `${what} pass: Consul’s CPU per hand-over`, unit: 'ms' }, median),
  ]
}

/** What happens when a crowd passes through a lock. */
export interface Passage {
  /** From the end of the holder to the start of the last. */
  readonly ms: number
  /** What Consul did: requests, writes to its log, CPU time, and bytes that it sent. */
  readonly requests: number
  readonly raftWrites: number
  readonly consulMs: number
  readonly sentBytes: number
}

/** Lets so many wait for one, at most `settleMs` milliseconds until they are quiet, and releases it. */
export async function pass(testbed: Testbed, tool: Tool, waiters: number, settleMs: number): Promise<Passage> {
  const lock = testbed.lock('herd')
  const holder = await ToolRun.start(testbed, tool, lock)
  await holder.begun
  const crowd = Array.from({ length: waiters }, () => testbed.start([...tool.words(lock), 'date', '+%s%N']))
  await asleep(
    crowd.map(({ pid }) => pid),
    settleMs,
  )
  await delay(phaseOf(tool))
  const { pid } = testbed.agent
  const look = () => ({ cpuMs: cpuMsOf([pid]), bytes: writtenBytesOf(pid) })
  const before = look()
  let [ms, after] = [0, before]
  const { requests, raftWrites, toldBytes } = await testbed.telemetry.during(async () => {
    holder.release()
    const outputs = await Promise.all(crowd.map(({ ended }) => ended))
    await holder.ended
    ms = Math.max(...outputs.flatMap(stampsIn)) - (await holder.finished)
    after = look()
  })
  const sentBytes = after.bytes - before.bytes - toldBytes
  return { ms, requests, raftWrites, consulMs: after.cpuMs - before.cpuMs, sentBytes }
}
