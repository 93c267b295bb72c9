import { setTimeout as delay } from 'node:timers/promises'
import { median } from '../stage/statistics.ts'
import { cpuMsOf, memoryOf, treeOf } from './process-tree.ts'
import { MB, type Row, Samples } from './row.ts'
import type { Testbed } from './testbed.ts'
import type { Tool } from './tool.ts'
import { ToolRun } from './tool-run.ts'

const MINUTE_MS = 60_000

/**
 * What a holder and a waiter of each tool take while nothing happens: `rounds` of `ms` milliseconds, each with new
 * ones. In a round all hold and wait at the same time: idle as they are, they don't disturb each other.
 */
export async function measureIdle(testbed: Testbed, { rounds, ms }: { rounds: number; ms: number }): Promise<Row[]> {
  const roles = { holder: new Idleness('holder'), waiter: new Idleness('waiter') }
  for (let round = 0; round < rounds; round++) {
    const pairs = await Promise.all(testbed.tools.contestants.map((tool) => startPair(testbed, tool)))
    const watched = pairs.flatMap(({ name, holder, waiter }) => [
      { name, run: holder, idleness: roles.holder },
      { name, run: waiter, idleness: roles.waiter },
    ])
    const before = watched.map(({ run }) => cpuMsOf(treeOf(run.pid)))
    const startedAt = performance.now()
    await delay(ms)
    for (const [index, { name, run, idleness }] of watched.entries()) {
      const cpuMs = cpuMsOf(treeOf(run.pid)) - (before[index] ?? 0)
      idleness.add(name, run, (cpuMs * MINUTE_MS) / (performance.now() - startedAt))
    }
    for (const { run } of watched) run.release()
    await Promise.all(watched.map(({ run }) => run.ended))
  }
  return [...roles.holder.rows(), ...roles.waiter.rows()]
}

async function startPair(testbed: Testbed, tool: Tool) {
  const lock = testbed.lock('idle')
  const holder = await ToolRun.start(testbed, tool, lock, true)
  await holder.begun
  const waiter = await ToolRun.start(testbed, tool, lock, true)
  await Promise.all([holder.asleep(), waiter.asleep()])
  return { name: tool.name, holder, waiter }
}

/** What runs of one role take. */
class Idleness {
  readonly #role: 'holder' | 'waiter'
  readonly #privateDirty = new Samples()
  readonly #alone = new Samples()
  readonly #pss = new Samples()
  readonly #cpu = new Samples()

  constructor(role: 'holder' | 'waiter') {
    this.#role = role
  }

  /** Adds what a tool's run has of memory now, and what it took of the CPU. */
  add(tool: string, run: ToolRun, cpuMsPerMinute: number): void {
    const memory = memoryOf(run.processes())
    this.#privateDirty.add(tool, memory.privateDirty / MB)
    this.#alone.add(tool, memory.alone / MB)
    this.#pss.add(tool, memory.pss / MB)
    this.#cpu.add(tool, cpuMsPerMinute)
  }

  rows(): Row[] {
    const role = this.#role
    const head = (field: string, words: string) => ({ id: `${role}.${field}`, what: `an idle ${role}: ${words}` })
    const goal = (ratio: number) => (role === 'holder' ? { goal: { ratio } } : {})
    return [
      this.#privateDirty.row({ ...head('private-dirty', 'private dirty memory'), unit: 'MB', ...goal(1.5) }, median),
      this.#alone.row({ ...head('alone', 'PSS, alone on the machine'), unit: 'MB', ...goal(1.25) }, median),
      this.#pss.row({ ...head('pss', 'PSS, as found'), unit: 'MB' }, median),
      this.#cpu.row({ ...head('cpu', 'CPU per minute'), unit: 'ms', goal: { ratio: 1 } }, median),
    ]
  }
}
