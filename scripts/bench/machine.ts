import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { execute } from '../provide/execute.ts'
import type { Testbed } from './testbed.ts'

/** What the figures depend on. */
export interface Machine {
  readonly date: string
  readonly cores: number
  readonly processor: string
  readonly memoryGB: number
  readonly kernel: string
  /** The executable's own Node. */
  readonly node: string
  readonly consulLocker: string
  readonly consul: string
  /** Running processes over the last minute, before the first measure. */
  readonly loadBefore: number
  /** Whether the CPU time of orphans, as a guardian, is in the figures. */
  readonly countsOrphans: boolean
}

export async function describeMachine(testbed: Testbed, loadBefore: number): Promise<Machine> {
  const [locker = ''] = (await execute(testbed.tools.locker, ['--version'])).split('\n')
  const [consul = ''] = (await execute(testbed.tools.consul, ['version'])).split('\n')
  return {
    date: new Date().toISOString(),
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    consulLocker: locker.replace(/^consul-locker /, ''),
    consul: consul.replace(/^Consul v?/, ''),
    loadBefore,
    countsOrphans: testbed.reaper.length > 0,
  }
}
