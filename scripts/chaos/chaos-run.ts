import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { transformSync } from 'esbuild'
import { type Cluster, hostName } from '../provide/cluster.ts'
import { Random } from '../stage/random.ts'
import { check, type HistoryVerdict } from './checker.ts'
import { ConsulOperator } from './consul-operator.ts'
import { FaultDriver } from './fault-driver.ts'
import { readHistory } from './history-file.ts'
import type { HolderFault } from './holder-faults.ts'
import { Host } from './host.ts'
import { type LockRunnerName, prepareLockRunner } from './lock-runner.ts'
import { LockToken } from './lock-token.ts'

/** What is to be performed. */
export interface ChaosPlan {
  readonly tool: LockRunnerName
  readonly cluster: Cluster
  readonly contenders: number
  readonly seed: number
  readonly ms: number
  readonly faults: readonly HolderFault[]
  /** A directory for histories and logs. */
  readonly dir: string
  readonly tell: (line: string) => void
  readonly signal: AbortSignal
}

/** As `work.ts` has it. */
const COUNTER_WIDTH = 12

/** Orphans get this time to notice that all is over. */
const LAST_BREATH_MS = 500

/** Has contenders fight for one lock under faults, ends all of them, and judges their history. */
export async function runChaos(plan: ChaosPlan): Promise<HistoryVerdict> {
  const { cluster, contenders, dir } = plan
  mkdirSync(dir, { recursive: true })
  for (const file of ['history', 'order']) writeFileSync(join(dir, file), '')
  writeFileSync(join(dir, 'counter'), '0'.padStart(COUNTER_WIDTH))
  const tool = await prepareLockRunner(plan.tool, 'chaos', dir)
  const operator = new ConsulOperator(cluster, tool.key)
  const token =
    cluster.rootToken === undefined ? undefined : await LockToken.issue(operator, tool.rules, join(dir, 'token'))
  const work = compileWork(dir)
  const hosts: Host[] = []
  try {
    for (let n = 0; n < contenders; n++) {
      const agent = cluster.agents[n]?.address ?? ''
      const address = cluster.addresses[n] ?? ''
      const command = [...tool.words, ...commandOf(n, work, dir)] as const
      const options = { name: hostName(n), dir, agent, address, command: [...command], tokenFile: token?.file } as const
      hosts.push(await Host.start(options))
    }
    using driver = new FaultDriver({ ...plan, operator, token, hosts, random: new Random(plan.seed) })
    const faults = plan.faults.filter((fault) => tool.hasGuardian || !fault.needsGuardian)
    await driver.play(faults, plan.ms)
  } finally {
    await Promise.all(hosts.map((host) => host.stop()))
    await delay(LAST_BREATH_MS)
    killLeftovers(dir)
  }
  return check(readHistory(join(dir, 'history')))
}

/** Stripped of its types beforehand: doing that at each start would cost each hand-over a twentieth of a second. */
function compileWork(dir: string): string {
  const file = join(dir, 'work.mjs')
  const source = readFileSync(join(import.meta.dirname, 'work.ts'), 'utf8')
  writeFileSync(file, transformSync(source, { loader: 'ts' }).code)
  return file
}

/** One dies on TERM, the next ignores it, the third is a shell's child, and so on. */
function commandOf(n: number, work: string, dir: string): string[] {
  const words = [process.execPath, work, dir, hostName(n)]
  const kinds = [
    [...words, 'prompt'],
    [...words, 'stubborn'],
    ['/bin/sh', '-c', 'CHAOS_RUNNER=$PPID "$@"; exit $?', 'sh', ...words, 'prompt'],
  ]
  return kinds[n % kinds.length] as string[]
}

/** What a tool left behind although it was asked to end, guardians' timers included. */
function killLeftovers(dir: string): void {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    if (Number(pid) !== process.pid && commandLine(pid).includes(dir)) process.kill(Number(pid), 'SIGKILL')
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}
