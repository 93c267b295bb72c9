import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { execute } from '../provide/execute.ts'
import { findConsul } from '../provide/find-consul.ts'
import { startGroupReaper } from '../provide/group-reaper.ts'
import { copyOfLocker } from '../stage/built-locker.ts'
import { chosen, everyOne, namesIn } from '../stage/choice.ts'
import { currentLoad } from '../stage/load.ts'
import { withReport, wrapped } from '../stage/markdown.ts'
import { stage } from '../stage/stage.ts'
import { Lab } from './lab.ts'
import { faultsOf, MASTER_FAULTS, type MasterFault } from './master-faults.ts'
import { playRound, type Round } from './round.ts'
import type { System } from './system.ts'
import { ourSystems, PEERS } from './systems.ts'
import { takeoverTables } from './takeover-table.ts'

/** Ours, by the application that it keeps. */
const OURS = [{ name: 'redis' }, { name: 'postgres' }] as const

const usage = `Usage: npm run failover -- [--app A,B] [--peer A,B] [--faults A,B] [--rounds N]
       [--servers N] [--json FILE] [--into FILE] [--keep]

Consul servers with Consul's own timing, three nodes with a Consul agent, a real
Redis or PostgreSQL and \`consul-locker leader\` on each, and a client that writes
to whoever is master. One fault after the other hits the master. Prints for how
long nobody took the client's writes, and how many of those that were
acknowledged are lost. Exits with 1 when two of our nodes took writes at once,
when a controlled failover of ours lost a write, or when ours stayed broken.

  --app       what ours keeps; redis, when there is no --peer; of:
${namesIn(OURS, 14)}
  --peer      others, to compare with; of:
${namesIn(PEERS, 14)}
  --faults    only these; of:
${namesIn(MASTER_FAULTS, 14)}
  --rounds    of each fault (5); 0 only draws the table
  --servers   Consul servers (3)
  --json      add the rounds to this file; the table is of all that are in it
  --into      put the table into this file, between its marks
  --keep      leave the logs where they are, and say where
`

interface Settings {
  readonly systems: readonly string[]
  readonly rounds: number
  readonly servers: number
  readonly faults: readonly MasterFault[]
  readonly json: string | undefined
  readonly into: string | undefined
  readonly keep: boolean
}

function settingsOf(argv: string[]): Settings | 'help' {
  const { values } = parseArgs({
    args: argv,
    options: {
      app: { type: 'string' },
      peer: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      servers: { type: 'string', default: '3' },
      faults: { type: 'string', default: everyOne(MASTER_FAULTS) },
      json: { type: 'string' },
      into: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const count = (name: 'rounds' | 'servers', least: number) => {
    const value = Number(values[name])
    if (!Number.isInteger(value) || value < least) throw new Error(`--${name} ${values[name]} is no such number.`)
    return value
  }
  const peers = values.peer === undefined ? [] : chosen(PEERS, values.peer, 'peer')
  const apps = values.app ?? (peers.length > 0 ? undefined : 'redis')
  const ours = apps === undefined ? [] : chosen(OURS, apps, 'application')
  const systems = [...ours, ...peers].map(({ name }) => name)
  const faults = chosen(MASTER_FAULTS, values.faults, 'fault')
  const { json, into, keep } = values
  // Better now than after all rounds.
  if (into !== undefined) withReport(readFileSync(into, 'utf8'), 'failover', '')
  roundsIn(json)
  return { systems, rounds: count('rounds', 0), servers: count('servers', 1), faults, json, into, keep }
}

function roundsIn(json: string | undefined): Round[] {
  return json !== undefined && existsSync(json) ? JSON.parse(readFileSync(json, 'utf8')) : []
}

async function failover(settings: Settings, signal: AbortSignal, cleanUp: AsyncDisposableStack): Promise<number> {
  const { servers, faults, json, into } = settings
  const loadBefore = currentLoad()
  const bin = mkdtempSync(join(tmpdir(), 'consul-locker-failover-'))
  cleanUp.defer(startGroupReaper(bin).dismiss)
  // A guardian starts it as whoever PostgreSQL runs as.
  chmodSync(bin, 0o755)
  const ours = await ourSystems(copyOfLocker(bin), ['min_leader_time: 0s', 'max_failovers_per_hour: 1000'])
  const all = [...ours, ...PEERS]
  const played: Round[] = []
  const stored = roundsIn(json)
  for (const system of all.filter(({ name }) => settings.systems.includes(name))) {
    for await (const round of roundsOf(system, settings, signal)) {
      played.push(round)
      console.error(JSON.stringify(round))
      if (json !== undefined) writeFileSync(json, `${JSON.stringify([...stored, ...played], null, 2)}\n`)
    }
  }
  const told = [...stored, ...played]
  const shown = all.filter(({ name }) => told.some(({ system }) => system === name))
  const facts = [
    `${new Date().toISOString().slice(0, 10)}, ${availableParallelism()} cores`,
    ...(played.length > 0 ? [`load ${loadBefore} before and ${currentLoad()} after`] : []),
    `Consul ${await consulVersion()}, ${servers} of its servers.`,
  ]
  const report = `${takeoverTables(told, faults, shown)}\n\n${wrapped(facts.join('; '))}`
  console.log(report)
  if (into !== undefined) writeFileSync(into, withReport(readFileSync(into, 'utf8'), 'failover', report))
  const controlled = faults.filter((fault) => fault.controlled).map(({ name }) => name)
  const broken = played.some(({ system, fault, to, lost = 0, breaches }) => {
    if (!ours.some(({ name }) => name === system)) return false
    return to === undefined || breaches.length > 0 || (controlled.includes(fault) && lost > 0)
  })
  return broken ? 1 : 0
}

/** All rounds of a system, in one lab; in another one when that is broken for good. */
async function* roundsOf(system: System, settings: Settings, signal: AbortSignal): AsyncGenerator<Round> {
  const { rounds, servers, faults, keep } = settings
  const left = Array.from({ length: rounds }, () => faultsOf(system, faults)).flat()
  while (left.length > 0) {
    await using cleanUp = new AsyncDisposableStack()
    console.error(`${system.title}: starting ${servers} servers and three nodes…`)
    const lab = await Lab.open({ system, servers, keep }, cleanUp)
    if (keep) console.error(`logs: ${lab.dir}`)
    await lab.start()
    for (let fault = left.shift(); fault; fault = left.shift()) {
      signal.throwIfAborted()
      const round = await playRound(lab, fault, signal)
      yield round
      if (round.to === undefined) break
    }
  }
}

async function consulVersion(): Promise<string> {
  const [version = ''] = (await execute(await findConsul(), ['version'])).split('\n')
  return version.replace(/^Consul v?/, '')
}

await stage({ usage, settings: () => settingsOf(process.argv.slice(2)), play: failover })
