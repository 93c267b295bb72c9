import { copyFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { currentLoad } from './bench/machine.ts'
import { execute } from './execute.ts'
import { FAULTS, type Fault } from './failover/faults.ts'
import { Lab } from './failover/lab.ts'
import { RedisApp } from './failover/redis-app.ts'
import { tableOf } from './failover/report.ts'
import { playRound, type Round } from './failover/round.ts'
import { findConsul } from './find-consul.ts'
import { withReport, wrapped } from './readme.ts'
import { stage } from './stage.ts'
import { startWatchdog } from './watchdog.ts'

const usage = `Usage: npm run failover -- [--rounds N] [--faults A,B] [--json FILE] [--readme FILE]
       [--servers N] [--keep]

Consul servers, three nodes with a Consul agent, a real redis-server and
\`consul-locker leader\` on each, and a client that writes to whoever has the tag
master. One fault after the other hits the master. Prints for how long nobody
took the client's writes, and how many of those that were acknowledged are lost.
Exits with 1 when two nodes took writes at once, or when a controlled failover
lost a write.

  --rounds    of each fault (5)
  --servers   Consul servers (3)
  --faults    only these; of: ${FAULTS.map(({ name }) => name)
    .join(' ')
    .replace(/(.{1,60})(?: |$)/g, '\n                $1')
    .trimStart()}
  --json      write all rounds to this file
  --readme    put the table into this file, between its marks
  --keep      leave the logs where they are, and say where
`

interface Settings {
  readonly rounds: number
  readonly servers: number
  readonly faults: readonly Fault[]
  readonly json: string | undefined
  readonly readme: string | undefined
  readonly keep: boolean
}

function settingsOf(argv: string[]): Settings | 'help' {
  const { values } = parseArgs({
    args: argv,
    options: {
      rounds: { type: 'string', default: '5' },
      servers: { type: 'string', default: '3' },
      faults: { type: 'string', default: FAULTS.map(({ name }) => name).join(',') },
      json: { type: 'string' },
      readme: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const count = (name: 'rounds' | 'servers') => {
    const value = Number(values[name])
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} ${values[name]} is no such number.`)
    return value
  }
  const faults = values.faults.split(',').map((name) => {
    const fault = FAULTS.find((one) => one.name === name)
    if (!fault) throw new Error(`There is no fault ${name}; see --help.`)
    return fault
  })
  const { json, readme, keep } = values
  // Better now than after all rounds.
  if (readme !== undefined) withReport(readFileSync(readme, 'utf8'), 'failover', '')
  return { rounds: count('rounds'), servers: count('servers'), faults, json, readme, keep }
}

async function failover(settings: Settings, signal: AbortSignal, cleanUp: AsyncDisposableStack): Promise<number> {
  const { rounds, servers, faults, json, readme, keep } = settings
  const loadBefore = currentLoad()
  const bin = mkdtempSync(join(tmpdir(), 'consul-locker-failover-'))
  cleanUp.defer(startWatchdog(bin).dismiss)
  const built = join(import.meta.dirname, '../dist/consul-locker')
  if (!existsSync(built)) throw new Error(`${built} is not there: "npm run build" makes it.`)
  // Whoever builds meanwhile must not change what is measured.
  const locker = join(bin, 'consul-locker')
  copyFileSync(built, locker)
  console.error(`starting ${servers} servers and three nodes…`)
  // The rest is as in examples/redis-failover/app.yaml.
  const extra = ['min_leader_time: 0s', 'max_failovers_per_hour: 1000']
  const app = ({ dir, address, port }: { dir: string; address: string; port: number }) =>
    RedisApp.prepare(dir, address, port)
  const lab = await Lab.open({ service: 'redis', locker, app, servers, extra, keep }, cleanUp)
  if (keep) console.error(`logs: ${lab.dir}`)
  for (const node of lab.nodes) await node.start()
  const played: Round[] = []
  for (let n = 1; n <= rounds; n++) {
    for (const fault of faults) {
      signal.throwIfAborted()
      const round = await playRound(lab, fault, signal)
      played.push(round)
      console.error(`${n}/${rounds} ${JSON.stringify(round)}`)
      if (json) writeFileSync(json, `${JSON.stringify(played, null, 2)}\n`)
    }
  }
  const facts = [
    `${new Date().toISOString().slice(0, 10)}, ${availableParallelism()} cores`,
    `load ${loadBefore} before and ${currentLoad()} after`,
    `Consul ${await consulVersion()}, ${servers} of its servers.`,
  ]
  const report = `${tableOf(played, faults)}\n\n${wrapped(facts.join('; '))}`
  console.log(report)
  if (readme !== undefined) writeFileSync(readme, withReport(readFileSync(readme, 'utf8'), 'failover', report))
  const controlled = faults.filter((fault) => fault.controlled).map(({ name }) => name)
  const broken = played.some(({ fault, lost, breaches }) => {
    return breaches.length > 0 || (controlled.includes(fault) && lost > 0)
  })
  return broken ? 1 : 0
}

async function consulVersion(): Promise<string> {
  const [version = ''] = (await execute(await findConsul(), ['version'])).split('\n')
  return version.replace(/^Consul v?/, '')
}

await stage({ usage, settings: () => settingsOf(process.argv.slice(2)), play: failover })
