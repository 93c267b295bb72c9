import { copyFileSync, existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FAULTS, type Fault } from './failover/faults.ts'
import { Lab } from './failover/lab.ts'
import { RedisApp } from './failover/redis-app.ts'
import { tableOf } from './failover/report.ts'
import { playRound, type Round } from './failover/round.ts'
import { stage } from './stage.ts'
import { startWatchdog } from './watchdog.ts'

const usage = `Usage: npm run failover -- [--rounds N] [--faults A,B] [--json FILE] [--keep]

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
    .replace(/(.{1,60})(?: |$)/g, '\n                $1')}
  --json      write all rounds to this file
  --keep      leave the logs where they are, and say where
`

interface Settings {
  readonly rounds: number
  readonly servers: number
  readonly faults: readonly Fault[]
  readonly json: string | undefined
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
  return { rounds: count('rounds'), servers: count('servers'), faults, json: values.json, keep: values.keep }
}

async function failover(settings: Settings, signal: AbortSignal, cleanUp: AsyncDisposableStack): Promise<number> {
  const { rounds, servers, faults, json, keep } = settings
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
  console.log(tableOf(played, faults))
  const controlled = faults.filter((fault) => fault.controlled).map(({ name }) => name)
  const broken = played.some(({ fault, lost, breaches }) => {
    return breaches.length > 0 || (controlled.includes(fault) && lost > 0)
  })
  return broken ? 1 : 0
}

await stage({ usage, settings: () => settingsOf(process.argv.slice(2)), play: failover })
