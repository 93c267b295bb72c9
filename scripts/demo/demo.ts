import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { styleText } from 'node:util'
import { plainEnvironment } from '../provide/plain-environment.ts'
import { builtLocker } from '../stage/built-locker.ts'
import { stage } from '../stage/stage.ts'
import { demoConsul } from './demo-consul.ts'
import { type DemoRunner, startDemoRunner } from './demo-runner.ts'

const usage = `Usage: npm run demo [-- [--real] [EXECUTABLE]]

Three runners contend for one lock at a Consul of their own, all at once; says
who ran when. Takes ten seconds. EXECUTABLE is dist/consul-locker by default.

The Consul is the one on PATH or in CONSUL_BIN, if there is one. Otherwise it is
consul-locker dev, or with --real Debian's, which is unpacked into .cache/.
`

interface Settings {
  readonly runner: string
  readonly isReal: boolean
}

function settingsOf(words: string[]): Settings | 'help' {
  if (words.some((word) => word === '--help' || word === '-h')) return 'help'
  const [path, ...rest] = words.filter((word) => word !== '--real')
  if (rest.length > 0 || path?.startsWith('-')) throw new Error('One executable at most; see --help.')
  return { runner: resolve(builtLocker(path)), isReal: words.includes('--real') }
}

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

/** Has three runners want one lock, and resolves with their commands' times, in the order of their starts. */
async function contend(runner: string, address: string, dir: string, cleanUp: AsyncDisposableStack): Promise<Run[]> {
  const runners = names.map((name) => {
    const colour = process.stdout.isTTY ? (text: string) => styleText(colours[name], text) : (text: string) => text
    const env = { ...plainEnvironment(), CONSUL_HTTP_ADDR: address, DEMO_DIR: dir, DEMO_NAME: name }
    const print = (line: string) => console.log(`${colour(`${name} |`)} ${line}`)
    return startDemoRunner(name, [runner, 'demo', './report.sh', name], { env, cwd: dir }, print)
  })
  cleanUp.defer(async () => void (await Promise.all(runners.map((runner) => runner.stop()))))
  await Promise.all(runners.map(succeeds))
  return names
    .map((name) => ({ name, start: recorded(dir, name, 'start'), end: recorded(dir, name, 'end') }))
    .sort((a, b) => a.start - b.start)
}

function recorded(dir: string, name: string, edge: 'start' | 'end'): number {
  const file = join(dir, `${name}.${edge}`)
  if (!existsSync(file)) throw new Error(`${name} says that all went well, but its command recorded no ${edge}.`)
  return Number(readFileSync(file, 'utf8'))
}

async function succeeds(runner: DemoRunner): Promise<void> {
  const status = await runner.ended
  if (status !== 0) throw new Error(`${runner.name} failed: it ended with status ${status}.`)
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

async function demo({ runner, isReal }: Settings, cleanUp: AsyncDisposableStack): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'consul-locker-demo-'))
  cleanUp.defer(() => rmSync(dir, { recursive: true, force: true }))
  writeFileSync(join(dir, 'report.sh'), script, { mode: 0o755 })
  const agent = await demoConsul(runner, isReal)
  cleanUp.defer(() => agent.stop())
  console.log(
    `${agent.what} is ready at ${agent.address}. ${names.join(', ')} contend for the lock "demo", all at once:\n`,
  )
  judge(await contend(runner, agent.address, dir, cleanUp))
  return 0
}

async function timely(signal: AbortSignal): Promise<never> {
  await delay(limitMs, undefined, { signal })
  throw new Error(`Not done after ${limitMs / 1000} s.`)
}

await stage({
  usage,
  settings: () => settingsOf(process.argv.slice(2)),
  play: (settings, signal, cleanUp) => Promise.race([demo(settings, cleanUp), timely(signal)]),
})
