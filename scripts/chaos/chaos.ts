import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Cluster, startCluster } from '../provide/cluster.ts'
import { startGroupReaper } from '../provide/group-reaper.ts'
import { chosen, everyOne, namesIn } from '../stage/choice.ts'
import { stage } from '../stage/stage.ts'
import { runChaos } from './chaos-run.ts'
import type { HistoryVerdict } from './checker.ts'
import { faultTable, summaryOf } from './fault-table.ts'
import { HOLDER_FAULTS, type HolderFault } from './holder-faults.ts'
import { LOCK_RUNNERS, type LockRunnerName } from './lock-runner.ts'

const usage = `Usage: npm run chaos -- [--minutes N] [--seed S] [--contenders N] [--tool T] [--faults A,B] [--keep]

Three Consul servers, a host with a client agent for each contender, and one
lock that all of them want while one fault after the other is injected. What
the commands did is read from their own log afterwards. Exits with 1 when
consul-locker broke a promise.

  --minutes     how long faults are injected (5)
  --seed        decides which faults hit, and in which order (a random one)
  --contenders  how many (8)
  --tool        consul-locker, consul-lock, or both, one after the other
  --faults      only these; of:
${namesIn(HOLDER_FAULTS, 16)}
  --keep        leave histories and logs where they are, and say where
`

interface Settings {
  readonly ms: number
  readonly seed: number
  readonly contenders: number
  readonly tools: readonly LockRunnerName[]
  readonly faults: readonly HolderFault[]
  readonly keep: boolean
}

function settingsOf(argv: string[]): Settings | 'help' {
  const { values } = parseArgs({
    args: argv,
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
      contenders: { type: 'string', default: '8' },
      tool: { type: 'string', default: 'consul-locker' },
      faults: { type: 'string', default: everyOne(HOLDER_FAULTS) },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const number = (name: 'minutes' | 'seed' | 'contenders') => {
    const value = Number(values[name])
    if (!(value > 0 || (name === 'seed' && value === 0)))
      throw new Error(`--${name} ${values[name]} is no such number.`)
    return value
  }
  const tools = values.tool === 'both' ? LOCK_RUNNERS : LOCK_RUNNERS.filter((tool) => tool === values.tool)
  if (tools.length === 0) throw new Error(`--tool is ${LOCK_RUNNERS.join(', ')} or both.`)
  const faults = chosen(HOLDER_FAULTS, values.faults, 'fault')
  const contenders = Math.min(Math.round(number('contenders')), 100)
  return { ms: number('minutes') * 60_000, seed: number('seed'), contenders, tools, faults, keep: values.keep }
}

async function chaos(settings: Settings, signal: AbortSignal, cleanUp: AsyncDisposableStack): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'consul-locker-chaos-'))
  if (settings.keep) console.error(`histories and logs: ${dir}`)
  // The directory goes even if we are killed, and with it the last commands, which look for it.
  const groupReaper = startGroupReaper(settings.keep ? '' : dir)
  cleanUp.defer(() => groupReaper.dismiss())
  console.error(`seed ${settings.seed}; starting 3 servers and ${settings.contenders} client agents…`)
  const cluster = await startCluster(settings.contenders, cleanUp)
  signal.throwIfAborted()
  const verdicts: [LockRunnerName, HistoryVerdict][] = []
  for (const tool of settings.tools) verdicts.push([tool, await performWith(tool, settings, cluster, dir, signal)])
  for (const [tool, verdict] of verdicts) report(tool, verdict, settings)
  const broken = verdicts.some(([tool, { violations }]) => {
    return tool === 'consul-locker' && violations.some(({ excused }) => !excused)
  })
  return broken ? 1 : 0
}

function performWith(tool: LockRunnerName, settings: Settings, cluster: Cluster, dir: string, signal: AbortSignal) {
  console.error(`${tool}: ${settings.contenders} contenders for ${settings.ms / 60_000} min`)
  const tell = (line: string) => console.error(`${tool}: ${line}`)
  return runChaos({ ...settings, tool, cluster, dir: join(dir, tool), tell, signal })
}

function report(tool: LockRunnerName, verdict: HistoryVerdict, { seed, faults }: Settings): void {
  const names = faults.map(({ name }) => name)
  console.log(`\n### ${tool} (seed ${seed})\n\n${faultTable(verdict, names)}\n\n${summaryOf(verdict)}`)
}

await stage({ usage, settings: () => settingsOf(process.argv.slice(2)), play: chaos })
