import { connect, createServer } from 'node:net'
import { unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'

/** What a runner knows of its lock. */
export interface Lease {
  readonly held: boolean
  /** For so long it is ours whatever happens, short of somebody deleting the key; in milliseconds. */
  readonly leftMs: number
  readonly fence: number
}

// An abstract socket: it needs no directory, and vanishes with its process.
const nameOf = (runId: string) => `\0consul-locker-${runId}`

/** Answers the command's questions after its lock, until disposed. Without the socket they go to Consul. */
export function answerFor(ctx: Context, runId: string, lease: () => Lease): Disposable {
  const server = createServer((connection) => {
    connection.on('error', () => {})
    connection.end(JSON.stringify(lease()))
  })
  server.on('error', (error) => ctx.log.debug(`nobody can ask for the lease: ${error.message}`))
  server.listen(nameOf(runId))
  return { [Symbol.dispose]: () => void server.close() }
}

/** A runner that is stopped or wedged doesn't answer. */
const PATIENCE_MS = 500

/** Asks the runner; `undefined` when it doesn't answer in time. */
export async function askRunner(ctx: Context, runId: string): Promise<Lease | undefined> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect(nameOf(runId))
  let answer = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => resolve(''))
  socket.on('close', () => resolve(answer))
  const cancel = ctx.clock.after(PATIENCE_MS, () => socket.destroy())
  try {
    return JSON.parse(await unlessAborted(ctx.signal, promise)) as Lease
  } catch {
    return undefined
  } finally {
    cancel()
    socket.destroy()
  }
}
