import { rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { sleep, unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { complaintOf } from '../base/failure.ts'
import { checkStateFolder, oldFiles, openStateFolder } from '../host/state-folder.ts'

/** What a runner knows of its lock. */
export interface LeaseStatus {
  readonly held: boolean
  /** For so long it is ours whatever happens, short of somebody deleting the key; in milliseconds. */
  readonly leftMs: number
  readonly fence: number
}

const ENDING = '.lease'
const RUN_ID = /^[0-9a-f-]{36}$/

/**
 * Answers the command's questions after its lock, until disposed: at a socket in the first of these folders that no
 * other user can enter, so that nobody answers in our place. Without it, and that costs a warning, the questions go to
 * Consul.
 */
export async function serveLease(
  ctx: Context,
  folders: readonly string[],
  runId: string,
  lease: () => LeaseStatus,
): Promise<Disposable> {
  const complaints: string[] = []
  for (const folder of folders) {
    try {
      openStateFolder(folder)
      const server = await listen(join(folder, `${runId}${ENDING}`), lease)
      clearAway(ctx, folder)
      // This takes the socket's file away, too.
      return { [Symbol.dispose]: () => void server.close() }
    } catch (thrown) {
      complaints.push(complaintOf(thrown))
    }
  }
  ctx.log.warn(`verify can't ask this run, and asks Consul in its place: ${complaints.join('; ')}`)
  return { [Symbol.dispose]() {} }
}

function listen(path: string, lease: () => LeaseStatus): Promise<Server> {
  const server = createServer((connection) => {
    connection.on('error', () => {})
    connection.end(JSON.stringify(lease()))
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.on('error', () => {})
      resolve(server)
    })
  })
}

/** A runner that was killed leaves its socket. */
function clearAway(ctx: Context, folder: string): void {
  for (const path of oldFiles(ctx, folder, ENDING)) {
    const socket = connect(path, () => socket.destroy())
    socket.once('error', (thrown: NodeJS.ErrnoException) => {
      if (thrown.code === 'ECONNREFUSED') rmSync(path, { force: true })
    })
  }
}

/** A runner that is stopped or wedged doesn't answer. */
const PATIENCE_MS = 500
const AGAIN_MS = 20

/**
 * Asks the runner; `undefined` when it doesn't answer in time, or when we are another user than it. A runner that has
 * just started its command doesn't listen yet: it is asked again, within half a second, if it `isAwaited`.
 */
export async function askRunner(
  ctx: Context,
  folders: readonly string[],
  runId: string,
  isAwaited: boolean,
): Promise<LeaseStatus | undefined> {
  if (!RUN_ID.test(runId)) return undefined
  const beganAt = ctx.clock.now()
  for (;;) {
    const status = await askOnce(ctx, folders, runId)
    if (status || !isAwaited || ctx.clock.since(beganAt) >= PATIENCE_MS) return status
    await sleep(ctx, AGAIN_MS)
  }
}

async function askOnce(ctx: Context, folders: readonly string[], runId: string): Promise<LeaseStatus | undefined> {
  for (const folder of folders) {
    try {
      checkStateFolder(folder)
      return JSON.parse(await read(ctx, join(folder, `${runId}${ENDING}`))) as LeaseStatus
    } catch {
      ctx.signal.throwIfAborted()
    }
  }
  return undefined
}

/** Settles with all that comes from a socket; with nothing when there is none, or when it takes too long. */
async function read(ctx: Context, path: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect(path)
  let answer = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => resolve(''))
  socket.on('close', () => resolve(answer))
  const cancel = ctx.clock.after(PATIENCE_MS, () => socket.destroy())
  try {
    return await unlessAborted(ctx.signal, promise)
  } finally {
    cancel()
    socket.destroy()
  }
}
