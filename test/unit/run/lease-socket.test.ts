import { existsSync, renameSync, rmSync, utimesSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { AbortReason } from '../../../src/base/abort.ts'
import { systemClock } from '../../../src/base/clock.ts'
import type { Context } from '../../../src/base/context.ts'
import { randomId } from '../../../src/base/random-id.ts'
import { openStateFolder, stateFolders } from '../../../src/host/state-folder.ts'
import { askRunner, serveLease } from '../../../src/run/lease-socket.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

const WHILE = { timeout: 20_000 }
const STATUS = { held: true, leftMs: 9000, fence: 7 }
/** Without a runtime folder that the variables name: what is left is there on every machine. */
const ENVIRONMENT = {}

function context(about: Partial<Context> = {}) {
  const warnings: string[] = []
  const log = { ...SILENT, warn: (line: string) => void warnings.push(line) }
  const ctx: Context = { clock: systemClock, log, signal: new AbortController().signal, random: () => 0, ...about }
  return { ctx, warnings }
}

async function served(runId: string, status = () => STATUS) {
  const { ctx, warnings } = context()
  const server = await serveLease(ctx, ENVIRONMENT, runId, status)
  onTestFinished(() => server[Symbol.dispose]())
  return { server, warnings }
}

/** The first folder that can be used here, as a runner finds it. */
function usableFolder(): string {
  const folder = stateFolders(ENVIRONMENT).find((folder) => {
    try {
      openStateFolder(folder)
      return true
    } catch {
      return false
    }
  })
  if (folder === undefined) throw new Error('no folder can be used here')
  return folder
}

const socketOf = (runId: string) => join(usableFolder(), `${runId}.lease`)

const listening = (server: Server, path: string) => new Promise<void>((resolve) => server.listen(path, resolve))

/** The socket of a runner that was killed. */
async function deadSocket(): Promise<string> {
  const [path, elsewhere] = [socketOf(randomId()), socketOf(randomId())]
  const server = createServer()
  await listening(server, elsewhere)
  renameSync(elsewhere, path)
  server.close()
  onTestFinished(() => rmSync(path, { force: true }))
  return path
}

/** Has a file look as if it had been there for longer than a minute. */
function age(path: string): void {
  const seconds = Date.now() / 1000 - 61
  utimesSync(path, seconds, seconds)
}

/** What listens where a runner would, and does with who connects what it likes. */
async function impostor(runId: string, meet: (connection: Socket) => void): Promise<void> {
  const connections: Socket[] = []
  const server = createServer((connection) => {
    connections.push(connection)
    connection.on('error', () => {})
    meet(connection)
  })
  await listening(server, socketOf(runId))
  onTestFinished(() => {
    for (const connection of connections) connection.destroy()
    server.close()
  })
}

describe('a runner that is asked after its lock', () => {
  test('says what it knows at that moment', async () => {
    const runId = randomId()
    let status = STATUS
    const { warnings } = await served(runId, () => status)
    expect(await askRunner(context().ctx, ENVIRONMENT, runId)).toEqual(STATUS)
    status = { held: false, leftMs: 0, fence: 7 }
    expect(await askRunner(context().ctx, ENVIRONMENT, runId)).toEqual(status)
    expect(warnings).toEqual([])
  })

  test('answers no more once it is done, and leaves no socket', async () => {
    const runId = randomId()
    const { server } = await served(runId)
    expect(existsSync(socketOf(runId))).toBe(true)
    server[Symbol.dispose]()
    await vi.waitFor(() => expect(existsSync(socketOf(runId))).toBe(false))
    expect(await askRunner(context().ctx, ENVIRONMENT, runId)).toBeUndefined()
  })

  test('is known by its own id', async () => {
    await served(randomId())
    expect(await askRunner(context().ctx, ENVIRONMENT, randomId())).toBeUndefined()
  })

  test('is never looked for outside of the folder, whatever the id', async () => {
    const runId = randomId()
    await served(runId)
    await impostor(`${runId}x`, (connection) => connection.end(JSON.stringify(STATUS)))
    for (const odd of [`./${runId}`, `../consul-locker/${runId}`, `x${runId}`, `${runId}x`, '']) {
      expect(await askRunner(context().ctx, ENVIRONMENT, odd)).toBeUndefined()
    }
  })

  test('clears away what killed ones have left, and nobody else’s', async () => {
    const [dead, fresh] = [await deadSocket(), await deadSocket()]
    const living = randomId()
    await impostor(living, () => {})
    for (const path of [dead, socketOf(living)]) age(path)
    // Each looks at a few only.
    await vi.waitFor(async () => {
      using _ = await serveLease(context({ random: Math.random }).ctx, ENVIRONMENT, randomId(), () => STATUS)
      await vi.waitFor(() => expect(existsSync(dead)).toBe(false))
    }, WHILE)
    expect([fresh, socketOf(living)].map((path) => existsSync(path))).toEqual([true, true])
  })

  test('warns when no socket can be made, and goes on', async () => {
    // Longer than the name of a socket may be.
    const { warnings, server } = await served('a'.repeat(200))
    expect(warnings).toEqual([expect.stringMatching(/^verify can't ask this run, and asks Consul in its place: .*; /)])
    server[Symbol.dispose]()
  })
})

describe('whoever asks', () => {
  test('waits half a second for a runner that is stopped, and no longer', async () => {
    const runId = randomId()
    const clock = new VirtualClock()
    const connected = Promise.withResolvers<void>()
    await impostor(runId, () => connected.resolve())
    let answer: unknown = 'none yet'
    const asking = askRunner(context({ clock }).ctx, ENVIRONMENT, runId).then((status) => {
      answer = status
    })
    await connected.promise
    await clock.advance(499)
    expect(answer).toBe('none yet')
    await clock.advance(1)
    await asking
    expect(answer).toBeUndefined()
  })

  test('takes nothing that is no answer for one', async () => {
    const runId = randomId()
    await impostor(runId, (connection) => connection.end('{"held":'))
    expect(await askRunner(context().ctx, ENVIRONMENT, runId)).toBeUndefined()
  })

  test('stops at once when it is told to', async () => {
    const runId = randomId()
    const told = new AbortController()
    const reason = new AbortReason('told to stop')
    await impostor(runId, () => told.abort(reason))
    const { ctx } = context({ signal: told.signal, clock: new VirtualClock() })
    await expect(askRunner(ctx, ENVIRONMENT, runId)).rejects.toBe(reason)
  })
})
