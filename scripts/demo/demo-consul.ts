import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { startConsul } from '../provide/agent.ts'
import { awaitEnd } from '../provide/await-end.ts'
import { installedConsul } from '../provide/find-consul.ts'
import { startGroupReaper } from '../provide/group-reaper.ts'
import { plainEnvironment } from '../provide/plain-environment.ts'

/** The Consul of a demo. */
export interface DemoConsul {
  /** For people. */
  readonly what: string
  readonly address: string
  stop(): Promise<void>
}

const TERM_LIMIT_MS = 5_000

/** Starts the machine's own Consul; without one `runner dev`, or a real one that is fetched if that is wanted. */
export async function demoConsul(runner: string, isReal: boolean): Promise<DemoConsul> {
  const installed = await installedConsul()
  if (installed === undefined && !isReal) return devConsul(runner)
  console.log(installed === undefined ? 'Starting Debian’s Consul…' : `Starting ${installed}…`)
  const agent = await startConsul()
  return { what: `A real Consul (${agent.binary})`, address: agent.address, stop: () => agent.stop() }
}

async function devConsul(runner: string): Promise<DemoConsul> {
  console.log('There is no consul on PATH. Starting consul-locker dev; with --real it would be a real Consul.')
  const words = ['dev', '--listen', '127.0.0.1:0', '--log-format', 'json']
  const server = spawn(runner, words, { detached: true, env: plainEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(server, 'exit').then(() => {})
  const groupReaper = startGroupReaper()
  if (server.pid !== undefined) groupReaper.guard(server.pid)
  const stop = async () => {
    server.kill('SIGTERM')
    await awaitEnd(ended, () => server.kill('SIGKILL'), TERM_LIMIT_MS)
    await groupReaper.dismiss()
  }
  for await (const line of createInterface(server.stderr)) {
    const { message, address } = JSON.parse(line) as { message: string; address?: string }
    if (address === undefined) throw new Error(message)
    server.stderr.resume()
    return { what: 'consul-locker dev, a Consul of one process,', address, stop }
  }
  throw new Error('consul-locker dev has ended before it was ready.')
}
