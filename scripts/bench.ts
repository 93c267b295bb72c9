// npm run bench: what consul-locker costs, beside `consul lock` and a script of Bash and curl. See --help.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { currentLoad, describeMachine } from './bench/machine.ts'
import { MEASURES, type Measure } from './bench/measures.ts'
import { type Report, reportText } from './bench/report.ts'
import { Stage } from './bench/stage.ts'
import { withReport } from './readme.ts'

const usage = `Usage: npm run bench -- [--quick] [--only A,B] [--json FILE] [--readme FILE]

What a run under a lock costs: consul-locker, "consul lock" and a script of
Bash and curl in turn, against a Consul of its own. Prints a Markdown table.
Takes about ten minutes; whatever else the machine does shows in the figures.

  --quick   the smallest counts, which say nothing but that it works
  --only    only these; of:
            ${MEASURES.map(({ name }) => name).join(' ')}
  --json    write everything there (.cache/bench/<time>.json)
  --readme  also put the table into this file, between its bench comments
`

interface Settings {
  readonly quick: boolean
  readonly measures: readonly Measure[]
  readonly json: string
  readonly readme: string | undefined
}

function settingsOf(argv: string[]): Settings | 'help' {
  const { values } = parseArgs({
    args: argv,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: MEASURES.map(({ name }) => name).join(',') },
      json: { type: 'string' },
      readme: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const names = values.only.split(',')
  const unknown = names.find((name) => !MEASURES.some((measure) => measure.name === name))
  if (unknown !== undefined) throw new Error(`There is no measure ${JSON.stringify(unknown)}; see --help.`)
  // Better now than in ten minutes.
  if (values.readme !== undefined) withReport(readFileSync(values.readme, 'utf8'), 'bench', '')
  const stamp = new Date().toISOString().replace(/[:.]\d+Z$|[-:]/g, '')
  return {
    quick: values.quick,
    measures: MEASURES.filter(({ name }) => names.includes(name)),
    json: resolve(values.json ?? join(import.meta.dirname, `../.cache/bench/${stamp}.json`)),
    readme: values.readme,
  }
}

async function bench({ quick, measures, json, readme }: Settings, cleanUp: AsyncDisposableStack): Promise<void> {
  const load = currentLoad()
  console.error('starting Consul…')
  const stage = cleanUp.use(await Stage.set())
  const machine = await describeMachine(stage, load)
  mkdirSync(dirname(json), { recursive: true })
  let report: Report = { machine: { ...machine, loadAfter: load }, quick, rows: [] }
  for (const { name, take } of measures) {
    const startedAt = performance.now()
    const found = await take(stage, quick)
    const news = Array.isArray(found) ? { rows: [...report.rows, ...found] } : { serving: found }
    report = { ...report, ...news, machine: { ...machine, loadAfter: currentLoad() } }
    // What is measured stays, if the next measure fails.
    writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
    console.error(`${name}: measured in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
  }
  const text = reportText(report)
  console.log(`\n${text}`)
  if (readme !== undefined) writeFileSync(readme, withReport(readFileSync(readme, 'utf8'), 'bench', text))
  console.error(`\nwritten: ${[json, ...(readme === undefined ? [] : [readme])].join(', ')}`)
}

const { promise: interrupted, reject: interrupt } = Promise.withResolvers<never>()
interrupted.catch(() => {})
const USAGE = 2
let status = USAGE
const cleanUp = new AsyncDisposableStack()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    status = 128 + constants.signals[signal]
    interrupt(new Error(`Interrupted (${signal}).`))
  })
}
try {
  const settings = settingsOf(process.argv.slice(2))
  status = 1
  if (settings === 'help') process.stdout.write(usage)
  else await Promise.race([bench(settings, cleanUp), interrupted])
  status = 0
} catch (error) {
  console.error((error as Error).message)
  if (process.env.DEBUG) console.error(error)
}
await cleanUp.disposeAsync()
process.exit(status)
