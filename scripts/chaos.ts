import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Verdict } from './chaos/checker.ts'
import { type Cluster, startCluster } from './chaos/cluster.ts'
import { FAULTS, type Fault } from './chaos/faults.ts'
import { perform } from './chaos/performance.ts'
import { summaryOf, tableOf } from './chaos/table.ts'
import { TOOLS, type ToolName } from './chaos/tool.ts'
import { stage } from './stage.ts'
import { startWatchdog } from './watchdog.ts'

const usage = `Usage: npm run chaos -- [--minutes N] [--seed S] [--contenders N] [--tool T] [--faults A,B] [--keep]

Three Consul servers, a host with a client agent for each contender, and one
lock that all of them want while one fault after the other is injected. What
the commands did is read from their own log afterwards. Exits with 1 when
consul-locker broke a promise.

  --minutes     how long faults are injected (5)
  --seed        decides which faults hit, and in which order (a random one)
  --contenders  how many (8)
  --tool        consul-locker, consul-lock, or both, one after the other
  --faults      only these; of: ${FAULTS.map(({ name }) => name)
    .join(' ')
    .replace(/(.{1,60})(?: |$)/g, '\n                $1')}
  --keep        leave histories and logs where they are, and say where
`

interface Settings {
  readonly ms: number
  readonly seed: number
  readonly contenders: number
  readonly tools: readonly ToolName[]
  readonly faults: readonly Fault[]
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
      faults: { type: 'string', default: FAULTS.map(({ name }) => name).join(',') },
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
  const tools = values.tool === 'both' ? TOOLS : TOOLS.filter((tool) => tool === values.tool)
  if (tools.length === 0) throw new Error(`--tool is ${TOOLS.join(', ')} or both.`)
  const faults = values.faults.split(',').map((name) => {
    const fault = FAULTS.find((one) => one.name === name)
    if (!fault) throw new Error(`There is no fault ${name}; see --help.`)
    return fault
  })
  const contenders = Math.min(Math.round(number('contenders')), 100)
  return { ms: number('minutes') * 60_000, seed: number('seed'), contenders, tools, faults, keep: values.keep }
}

async function chaos(settings: Settings, signal: AbortSignal, cleanUp: AsyncDisposableStack): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'consul-locker-chaos-'))
  if (settings.keep) console.error(`histories and logs: ${dir}`)
  // The directory goes even if we are killed, and with it the last commands, which look for it.
  const watchdog = startWatchdog(settings.keep ? '' : dir)
  cleanUp.defer(() => watchdog.dismiss())
  console.error(`seed ${settings.seed}; starting 3 servers and ${settings.contenders} client agents…`)
  const cluster = await startCluster(settings.contenders, cleanUp)
  signal.throwIfAborted()
  const verdicts: [ToolName, Verdict][] = []
  for (const tool of settings.tools) verdicts.push([tool, await performWith(tool, settings, cluster, dir, signal)])
  for (const [tool, verdict] of verdicts) report(tool, verdict, settings)
  const broken = verdicts.some(([tool, { violations }]) => {
    return tool === 'consul-locker' && violations.some(({ excused }) => !excused)
  })
  return broken ? 1 : 0
}

function performWith(tool: ToolName, settings: Settings, cluster: Cluster, dir: string, signal: AbortSignal) {
  console.error(`${tool}: ${settings.contenders} contenders for ${settings.ms / 60_000} min`)
  const tell = (line: string) => console.error(`${tool}: ${line}`)
  return perform({ ...settings, tool, cluster, dir: join(dir, tool), tell, signal })
}

function report(tool: ToolName, verdict: Verdict, { seed, faults }: Settings): void {
  const names = faults.map(({ name }) => name)
  console.log(`\n### ${tool} (seed ${seed})\n\n${tableOf(verdict, names)}\n\n${summaryOf(verdict)}`)
}

await stage({ usage, settings: () => settingsOf(process.argv.slice(2)), play: chaos })
