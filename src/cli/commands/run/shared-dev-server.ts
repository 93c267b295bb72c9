import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { withTimeout } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import { type HostPort, hostPortText } from '../../../base/host-port.ts'
import { spawned } from '../../../child/child-process.ts'
import { asInternal } from '../../../child/internal-command.ts'
import { readConsulSettings } from '../../connection/read-consul-settings.ts'
import type { ConsulOptions } from '../../options/consul-options.ts'

const START_MS = 20_000

/**
 * Sees to it that something listens where Consul is looked for: where nothing does, a server in a process of its own,
 * which others may use, too, and which ends when nobody has used it for a while. Throws a `usage` failure for an
 * address that isn't this machine's own, and a `local` one when the server doesn't start.
 */
export async function ensureDevServer(
  ctx: Context,
  options: ConsulOptions,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const where = ownAddress(options, environment)
  if (await isListening(where)) return
  ctx.log.warn(
    `nothing listens at ${hostPortText(where)}, so a Consul of one process starts there (--dev): ` +
      'it keeps apart what runs on this machine, and nothing else',
  )
  const late = () => notStarted(`no word of it within ${formatDuration(START_MS)}`)
  const word = await withTimeout(ctx, START_MS, late, () => start(where, environment.PATH))
  // Another run may have started one in the meantime.
  if (word !== 'ready' && !(await isListening(where))) throw notStarted(word)
}

/** Where `--dev` starts a server. Throws a `usage` failure for an address that isn't this machine's own. */
export function ownAddress(options: ConsulOptions, environment: NodeJS.ProcessEnv): HostPort {
  const { secure, isLocal, socketPath, origin, text } = readConsulSettings(options, environment).address
  const { hostname, port } = new URL(origin)
  if (!isLocal || secure || socketPath !== undefined) {
    throw new Failure('usage', `--dev starts a Consul on this machine alone, and ${text} is not for that`, {
      hint: 'leave --dev out, or the address, or name one like 127.0.0.1:8500',
    })
  }
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host: host === 'localhost' ? '127.0.0.1' : host, port: Number(port) || 80 }
}

function isListening(where: HostPort): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(where)
    const end = (listens: boolean) => {
      socket.destroy()
      resolve(listens)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

/** It gets nothing of our environment: neither a run around us nor its guardian may take it for one of theirs. */
async function start(where: HostPort, PATH: string | undefined): Promise<string> {
  const env = asInternal(':dev-server', { PATH })
  const words = [':dev-server', hostPortText(where)]
  const server = await spawned(
    () => spawn(process.execPath, words, { env, cwd: '/', detached: true, stdio: ['ignore', 'pipe', 'ignore'] }),
    process.execPath,
  )
  server.unref()
  return firstLine(server.stdout)
}

async function firstLine(stream: NodeJS.ReadableStream & { destroy?(): void }): Promise<string> {
  let line = ''
  for await (const chunk of stream) {
    line += chunk
    if (line.includes('\n')) break
  }
  return line.split('\n', 1)[0] ?? ''
}

function notStarted(why: string): Failure {
  return new Failure('local', `the Consul of --dev doesn't start: ${why || 'it ended without a word'}`, {
    hint: 'consul-locker dev tells more',
  })
}
