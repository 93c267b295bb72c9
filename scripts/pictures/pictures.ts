import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'
import { awaitEnd } from '../provide/await-end.ts'
import { chromiumProgram } from '../provide/chromium.ts'
import { startGroupReaper } from '../provide/group-reaper.ts'
import { plainEnvironment } from '../provide/plain-environment.ts'
import { builtLocker } from '../stage/built-locker.ts'
import { interruption, stage } from '../stage/stage.ts'
import { locksOfADay } from './locks-of-a-day.ts'

const usage = `Usage: npm run pictures

Takes the picture of the dashboard in docs/pictures/ anew: of a Consul in memory
with a day's locks in it. Takes ten seconds, and Debian's chromium.
`

const FILE = join(import.meta.dirname, '../../docs/pictures/dashboard.png')
const TERM_LIMIT_MS = 5000
const LOCK_FLAGS = '3304740253564472344'

/** Starts a server of ours; settles with the address that it tells. */
async function serve(words: readonly string[], env: NodeJS.ProcessEnv, cleanUp: AsyncDisposableStack): Promise<string> {
  const server = spawn(builtLocker(), words, { detached: true, env, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(server, 'exit').then(() => {})
  const groupReaper = startGroupReaper()
  if (server.pid !== undefined) groupReaper.guard(server.pid)
  cleanUp.defer(async () => {
    server.kill('SIGTERM')
    await awaitEnd(ended, () => server.kill('SIGKILL'), TERM_LIMIT_MS)
    await groupReaper.dismiss()
  })
  for await (const line of createInterface(server.stderr)) {
    const address = /https?:[/][/][\d.]+:\d+/.exec(line)?.[0]
    if (address === undefined) throw new Error(line)
    server.stderr.resume()
    return address
  }
  throw new Error(`consul-locker ${words.join(' ')} has ended before it was ready.`)
}

/** Puts the locks of a day into a Consul. */
async function fill(consul: string): Promise<void> {
  const put = async (path: string, body: unknown) => {
    const response = await fetch(`${consul}/v1/${path}`, { method: 'PUT', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  for (const { key, value, isHeld } of locksOfADay(Date.now())) {
    const session = isHeld ? ((await put('session/create', {})) as { ID: string }).ID : ''
    const path = encodeURI(key.replace('<session>', session)).replaceAll('=', '%3D')
    await put(`kv/${path}${isHeld ? `?acquire=${session}&flags=${LOCK_FLAGS}` : ''}`, value)
  }
}

async function takePictures(cleanUp: AsyncDisposableStack): Promise<number> {
  const consul = await serve(['dev', '--listen', '127.0.0.1:0'], plainEnvironment(), cleanUp)
  await fill(consul)
  const env = { ...plainEnvironment(), CONSUL_HTTP_ADDR: consul }
  const url = await serve(['dashboard', '--listen', '127.0.0.1:0'], env, cleanUp)
  const program = await chromiumProgram()
  const browser = await chromium.launch({
    executablePath: program.path,
    env: program.env as Record<string, string>,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
  cleanUp.defer(() => browser.close())
  const page = await browser.newPage({ viewport: { width: 1200, height: 620 }, timezoneId: 'UTC', locale: 'en-GB' })
  await page.goto(url)
  await page.getByText('live', { exact: true }).waitFor()
  await page.locator('.bar-running').nth(1).waitFor()
  await page.screenshot({ path: FILE })
  console.log(FILE)
  return 0
}

await stage({
  usage,
  settings: () => (process.argv.length > 2 ? 'help' : {}),
  play: (_, signal, cleanUp) => Promise.race([takePictures(cleanUp), interruption(signal)]),
})
