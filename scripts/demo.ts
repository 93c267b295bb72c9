import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { styleText } from 'node:util'
import { startConsul } from './agent.ts'
import { type Contender, startContender } from './contender.ts'

const names = ['web1', 'web2', 'web3'] as const
const colours = { web1: 'cyan', web2: 'magenta', web3: 'yellow' } as const
const limitMs = 60_000

// The command keeps its own record: our reading of its output may lag behind what happened.
const script = `#!/bin/sh
date +%s.%N >"$DEMO_DIR/$DEMO_NAME.start"
echo "command starts"
sleep 2
echo "command ends"
date +%s.%N >"$DEMO_DIR/$DEMO_NAME.end"
`

interface Run {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** Runs three contenders for one lock and resolves with their commands' times, in the order of their starts. */
async function contend(runner: string, address: string, dir: string, cleanUp: AsyncDisposableStack): Promise<Run[]> {
  const contenders = names.map((name) => {
    const colour = process.stdout.isTTY ? (text: string) => styleText(colours[name], text) : (text: string) => text
    const env = { ...plainEnvironment(), CONSUL_HTTP_ADDR: address, DEMO_DIR: dir, DEMO_NAME: name }
    const print = (line: string) => console.log(`${colour(`${name} |`)} ${line}`)
    return startContender(name, [runner, 'demo', './report.sh', name], { env, cwd: dir }, print)
  })
  cleanUp.defer(async () => void (await Promise.all(contenders.map((contender) => contender.stop()))))
  await Promise.all(contenders.map(succeeds))
  return names
    .map((name) => ({ name, start: recorded(dir, name, 'start'), end: recorded(dir, name, 'end') }))
    .sort((a, b) => a.start - b.start)
}

function recorded(dir: string, name: string, edge: 'start' | 'end'): number {
  const file = join(dir, `${name}.${edge}`)
  if (!existsSync(file)) throw new Error(`${name} says that all went well, but its command recorded no ${edge}.`)
  return Number(readFileSync(file, 'utf8'))
}

async function succeeds(contender: Contender): Promise<void> {
  const status = await contender.ended
  if (status !== 0) throw new Error(`${contender.name} failed: it ended with status ${status}.`)
}

/** Says who ran when; throws when two ran at once. */
function judge(runs: readonly Run[]): void {
  const origin = runs[0]?.start ?? 0
  const seconds = (at: number) => `${(at - origin).toFixed(2)} s`
  console.log()
  for (const { name, start, end } of runs) console.log(`${name} ran from ${seconds(start)} to ${seconds(end)}`)
  for (const [index, run] of runs.entries()) {
    const before = runs[index - 1]
    if (before && run.start < before.end) throw new Error(`${before.name} and ${run.name} ran at the same time.`)
  }
  console.log('The three commands ran one after the other, never two at once.')
}

async function demo(runner: string, cleanUp: AsyncDisposableStack): Promise<void> {
  if (!existsSync(runner)) throw new Error(`${runner} is not there: "npm run build" makes it.`)
  const dir = mkdtempSync(join(tmpdir(), 'consul-locker-demo-'))
  cleanUp.defer(() => rmSync(dir, { recursive: true, force: true }))
  console.log('Starting a Consul agent…')
  writeFileSync(join(dir, 'report.sh'), script, { mode: 0o755 })
  const agent = await startConsul()
  cleanUp.defer(() => agent.stop())
  console.log(`Consul is ready at ${agent.address}. ${names.join(', ')} contend for the lock "demo", all at once:\n`)
  judge(await contend(runner, agent.address, dir, cleanUp))
}

// A developer's own CONSUL_HTTP_TOKEN or CONSUL_LOCKER_WAIT would make it another demo.
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CONSUL_')))
}

const { promise: interrupted, reject: interrupt } = Promise.withResolvers<never>()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupt(new Error(`Interrupted (${signal}).`)))
}
const limit = setTimeout(() => interrupt(new Error(`Not done after ${limitMs / 1000} s.`)), limitMs)

const cleanUp = new AsyncDisposableStack()
const runner = resolve(process.argv[2] ?? join(import.meta.dirname, '../dist/consul-locker'))
try {
  await Promise.race([demo(runner, cleanUp), interrupted])
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
clearTimeout(limit)
await cleanUp.disposeAsync()
process.exit()
