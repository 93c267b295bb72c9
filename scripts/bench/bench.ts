// npm run bench: what consul-locker costs, beside `consul lock` and a script of Bash and curl. See --help.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { chosen, everyOne } from '../stage/choice.ts'
import { currentLoad } from '../stage/load.ts'
import { withReport } from '../stage/markdown.ts'
import { interruption, stage } from '../stage/stage.ts'
import { type Report, reportText } from './bench-report.ts'
import { describeMachine } from './machine.ts'
import { MEASURES, type Measure } from './measures.ts'
import { Testbed } from './testbed.ts'

const namesOf = (apart: boolean) =>
  MEASURES.filter((measure) => (measure.apart ?? false) === apart)
    .map(({ name }) => name)
    .join(' ')

const usage = `Usage: npm run bench -- [--quick] [--only A,B] [--json FILE] [--into FILE]

What a run under a lock costs: consul-locker, "consul lock" and a script of
Bash and curl in turn, against a Consul of its own. Prints a Markdown table.
Takes a quarter of an hour; whatever else the machine does shows in the figures.

  --quick   the smallest counts, which say nothing but that it works
  --only    only these; of:
    ${namesOf(false)}
            and, if they are named:
    ${namesOf(true)}
  --json    write everything there (.cache/bench/<time>.json)
  --into    also put the table into this file, between its bench comments
`

interface Settings {
  readonly quick: boolean
  readonly measures: readonly Measure[]
  readonly json: string
  readonly into: string | undefined
}

function settingsOf(argv: string[]): Settings | 'help' {
  const { values } = parseArgs({
    args: argv,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: everyOne(MEASURES.filter(({ apart }) => !apart)) },
      json: { type: 'string' },
      into: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const measures = chosen(MEASURES, values.only, 'measure')
  // Better now than in ten minutes.
  if (values.into !== undefined) withReport(readFileSync(values.into, 'utf8'), 'bench', '')
  const stamp = new Date().toISOString().replace(/[:.]\d+Z$|[-:]/g, '')
  return {
    quick: values.quick,
    measures,
    json: resolve(values.json ?? join(import.meta.dirname, `../../.cache/bench/${stamp}.json`)),
    into: values.into,
  }
}

async function bench({ quick, measures, json, into }: Settings, cleanUp: AsyncDisposableStack): Promise<number> {
  const load = currentLoad()
  console.error('starting Consul…')
  const testbed = cleanUp.use(await Testbed.set())
  const machine = await describeMachine(testbed, load)
  mkdirSync(dirname(json), { recursive: true })
  let report: Report = { machine: { ...machine, loadAfter: load }, quick, rows: [] }
  for (const { name, take } of measures) {
    const startedAt = performance.now()
    const { rows = [], ...others } = await take(testbed, quick)
    report = {
      ...report,
      ...others,
      rows: [...report.rows, ...rows],
      machine: { ...machine, loadAfter: currentLoad() },
    }
    // What is measured stays, if the next measure fails.
    writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
    console.error(`${name}: measured in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
  }
  const text = reportText(report)
  console.log(`\n${text}`)
  if (into !== undefined) writeFileSync(into, withReport(readFileSync(into, 'utf8'), 'bench', text))
  console.error(`\nwritten: ${[json, ...(into === undefined ? [] : [into])].join(', ')}`)
  return 0
}

await stage({
  usage,
  settings: () => settingsOf(process.argv.slice(2)),
  play: (settings, signal, cleanUp) => Promise.race([bench(settings, cleanUp), interruption(signal)]),
})
