import { setTimeout as delay } from 'node:timers/promises'
import { median } from '../stage/statistics.ts'
import { Contender } from './contender.ts'
import { cpuMsOf, memoryOf, treeOf } from './process-tree.ts'
import { MB, type Row, Samples } from './row.ts'
import type { Testbed } from './testbed.ts'
import type { Tool } from './tool.ts'

const MINUTE_MS = 60_000

/**
 * What a holder and a waiter of each tool take while nothing happens, for `ms` milliseconds. All hold and wait at the
 * same time: idle as they are, they don't disturb each other.
 */
export async function measureIdle(testbed: Testbed, { ms }: { ms: number }): Promise<Row[]> {
  const pairs = await Promise.all(testbed.tools.contestants.map((tool) => startPair(testbed, tool)))
  const holders = pairs.map(({ name, holder }) => ({ name, contender: holder }))
  const waiters = pairs.map(({ name, waiter }) => ({ name, contender: waiter }))
  const finish = [watch('holder', holders), watch('waiter', waiters)]
  await delay(ms)
  const rows = finish.flatMap((rowsAfter) => rowsAfter(ms))
  for (const { holder, waiter } of pairs) {
    holder.release()
    waiter.release()
  }
  await Promise.all([...holders, ...waiters].map(({ contender }) => contender.ended))
  return rows
}

async function startPair(testbed: Testbed, tool: Tool) {
  const lock = testbed.lock('idle')
  const holder = await Contender.start(testbed, tool, lock, true)
  await holder.begun
  const waiter = await Contender.start(testbed, tool, lock, true)
  await Promise.all([holder.asleep(), waiter.asleep()])
  return { name: tool.name, holder, waiter }
}

/** Looks at these contenders now; what it gives looks again, `ms` milliseconds later. */
function watch(role: 'holder' | 'waiter', contenders: readonly { name: string; contender: Contender }[]) {
  const cpuMs = () => contenders.map(({ contender }) => cpuMsOf(treeOf(contender.pid)))
  const before = cpuMs()
  return (ms: number): Row[] => {
    const after = cpuMs()
    const [privateDirty, alone, pss, cpu] = [new Samples(), new Samples(), new Samples(), new Samples()]
    for (const [index, { name, contender }] of contenders.entries()) {
      const memory = memoryOf(contender.processes())
      privateDirty.add(name, memory.privateDirty / MB)
      alone.add(name, memory.alone / MB)
      pss.add(name, memory.pss / MB)
      cpu.add(name, (((after[index] ?? 0) - (before[index] ?? 0)) * MINUTE_MS) / ms)
    }
    const head = (field: string, words: string) => ({ id: `${role}.${field}`, what: `an idle ${role}: ${words}` })
    const goal = (ratio: number) => (role === 'holder' ? { goal: { ratio } } : {})
    return [
      privateDirty.row({ ...head('private-dirty', 'private dirty memory'), unit: 'MB', ...goal(1.5) }, median),
      alone.row({ ...head('alone', 'PSS, alone on the machine'), unit: 'MB', ...goal(1.25) }, median),
      pss.row({ ...head('pss', 'PSS, as found'), unit: 'MB' }, median),
      cpu.row({ ...head('cpu', 'CPU per minute'), unit: 'ms', ...goal(1) }, median),
    ]
  }
}
