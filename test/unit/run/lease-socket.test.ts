import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, utimesSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { AbortReason } from '../../../src/base/abort.ts'
import { systemClock } from '../../../src/base/clock.ts'
import type { Context } from '../../../src/base/context.ts'
import { randomId } from '../../../src/base/random-id.ts'
import { openStateFolder } from '../../../src/host/state-folder.ts'
import { askRunner, serveLease } from '../../../src/run/lease-socket.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

const WHILE = { timeout: 20_000 }
const STATUS = { held: true, leftMs: 9000, fence: 7 }

function context(about: Partial<Context> = {}) {
  const warnings: string[] = []
  const log = { ...SILENT, warn: (line: string) => void warnings.push(line) }
  const ctx: Context = { clock: systemClock, log, signal: new AbortController().signal, random: () => 0, ...about }
  return { ctx, warnings }
}

/** Two folders that nobody else has, the first of which is used if it can be; neither is there yet. */
function machine() {
  const dir = mkdtempSync(join(tmpdir(), 'lease-'))
  const [first, second] = [join(dir, 'first'), join(dir, 'second')] as const
  const folders = [first, second]
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const socketOf = (runId: string, folder = first) => join(folder, `${runId}.lease`)
  return {
    first,
    second,
    socketOf,
    async served(runId: string, status = () => STATUS) {
      const { ctx, warnings } = context()
      const server = await serveLease(ctx, folders, runId, status)
      onTestFinished(() => server[Symbol.dispose]())
      return { server, warnings }
    },
    ask: (runId: string, about: Partial<Context> = {}) => askRunner(context(about).ctx, folders, runId, false),
    awaitAnswer: (runId: string, about: Partial<Context> = {}) => askRunner(context(about).ctx, folders, runId, true),
    /** The socket of a runner that was killed. */
    async deadSocket(): Promise<string> {
      openStateFolder(first)
      const [path, elsewhere] = [socketOf(randomId()), socketOf(randomId())]
      const server = createServer()
      await listening(server, elsewhere)
      renameSync(elsewhere, path)
      server.close()
      return path
    },
    /** What listens where a runner would, and does with who connects what it likes. */
    async impostor(runId: string, meet: (connection: Socket) => void): Promise<void> {
      openStateFolder(first)
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
    },
  }
}

const listening = (server: Server, path: string) => new Promise<void>((resolve) => server.listen(path, resolve))

/** Has a file look as if it had been there for longer than a minute. */
function age(path: string): void {
  const seconds = Date.now() / 1000 - 61
  utimesSync(path, seconds, seconds)
}

describe('a runner that is asked after its lock', () => {
  test('says what it knows at that moment', async () => {
    const { served, ask } = machine()
    const runId = randomId()
    let status = STATUS
    const { warnings } = await served(runId, () => status)
    expect(await ask(runId)).toEqual(STATUS)
    status = { held: false, leftMs: 0, fence: 7 }
    expect(await ask(runId)).toEqual(status)
    expect(warnings).toEqual([])
  })

  test('answers no more once it is done, and leaves no socket', async () => {
    const { served, ask, socketOf } = machine()
    const runId = randomId()
    const { server } = await served(runId)
    expect(existsSync(socketOf(runId))).toBe(true)
    server[Symbol.dispose]()
    await vi.waitFor(() => expect(existsSync(socketOf(runId))).toBe(false))
    expect(await ask(runId)).toBeUndefined()
  })

  test('is known by its own id', async () => {
    const { served, ask } = machine()
    await served(randomId())
    expect(await ask(randomId())).toBeUndefined()
  })

  test('is never looked for outside of the folder, whatever the id', async () => {
    const { served, impostor, ask } = machine()
    const runId = randomId()
    await served(runId)
    for (const id of [`${runId}x`, 'x']) await impostor(id, (connection) => connection.end(JSON.stringify(STATUS)))
    for (const odd of [`./${runId}`, `../first/${runId}`, `x${runId}`, `${runId}x`, 'x', '']) {
      expect(await ask(odd)).toBeUndefined()
    }
  })

  test('minds nobody who asks and is gone before the answer', async () => {
    const { served, ask, socketOf } = machine()
    const runId = randomId()
    let hasty: Socket | undefined
    await served(runId, () => {
      hasty?.destroy()
      return STATUS
    })
    hasty = connect(socketOf(runId))
    await new Promise((resolve) => hasty?.once('close', resolve))
    expect(await ask(runId)).toEqual(STATUS)
  })

  test('answers in the second folder where the first may be looked into by others', async () => {
    const { served, ask, first, second, socketOf } = machine()
    openStateFolder(first)
    chmodSync(first, 0o755)
    const runId = randomId()
    const { warnings } = await served(runId)
    expect(readdirSync(first)).toEqual([])
    expect(existsSync(socketOf(runId, second))).toBe(true)
    expect(await ask(runId)).toEqual(STATUS)
    expect(warnings).toEqual([])
  })

  // Each looks at four files only, so no test has more.
  test('clears away what killed ones have left, and what lives stays', async () => {
    const { served, deadSocket, impostor, socketOf } = machine()
    const dead = await deadSocket()
    const living = randomId()
    await impostor(living, () => {})
    for (const path of [dead, socketOf(living)]) age(path)
    // Two at once find the same.
    await Promise.all([served(randomId()), served(randomId())])
    await vi.waitFor(() => expect(existsSync(dead)).toBe(false), WHILE)
    expect(existsSync(socketOf(living))).toBe(true)
  })

  test('leaves alone what has just been made', async () => {
    const { served, deadSocket } = machine()
    const [old, fresh] = [await deadSocket(), await deadSocket()]
    age(old)
    await served(randomId())
    await vi.waitFor(() => expect(existsSync(old)).toBe(false), WHILE)
    expect(existsSync(fresh)).toBe(true)
  })

  test('warns when no socket can be made, and why in each folder, and goes on', async () => {
    // Longer than the name of a socket may be.
    const { warnings, server } = await machine().served('a'.repeat(200))
    const why = '[a-z][a-z ]+'
    expect(warnings).toEqual([
      expect.stringMatching(`^verify can't ask this run, and asks Consul in its place: ${why}; ${why}$`),
    ])
    server[Symbol.dispose]()
  })
})

describe('whoever asks', () => {
  test('waits half a second for a runner that is stopped, and no longer', async () => {
    const { impostor, ask } = machine()
    const runId = randomId()
    const clock = new VirtualClock()
    const connected = Promise.withResolvers<void>()
    await impostor(runId, () => connected.resolve())
    let answer: unknown = 'none yet'
    const asking = ask(runId, { clock }).then((status) => {
      answer = status
    })
    await connected.promise
    await clock.advance(499)
    expect(answer).toBe('none yet')
    await clock.advance(1)
    await asking
    expect(answer).toBeUndefined()
  })

  test('waits half a second at most for a runner that doesn’t listen yet, when nobody else can tell', async () => {
    const runId = randomId()
    const { served, ask, awaitAnswer } = machine()
    const clock = new VirtualClock()
    expect(await ask(runId)).toBeUndefined()
    expect(await clock.run(awaitAnswer(runId, { clock }))).toBeUndefined()
    expect(clock.nowMs).toBe(500)
    const answer = awaitAnswer(runId)
    let asked = 0
    await served(runId, () => {
      asked += 1
      return STATUS
    })
    expect(await answer).toEqual(STATUS)
    expect(asked).toBe(1)
  })

  test('takes nothing that is no answer for one', async () => {
    const { impostor, ask } = machine()
    const runId = randomId()
    await impostor(runId, (connection) => connection.end('{"held":'))
    expect(await ask(runId)).toBeUndefined()
  })

  test('believes nobody where others may have put a socket', async () => {
    const { served, ask, first } = machine()
    const runId = randomId()
    await served(runId)
    chmodSync(first, 0o755)
    expect(await ask(runId)).toBeUndefined()
  })

  test('leaves no timer behind when it has its answer', async () => {
    const { served, ask } = machine()
    const runId = randomId()
    const clock = new VirtualClock()
    await served(runId)
    expect(await ask(runId, { clock })).toEqual(STATUS)
    expect(clock.pending).toBe(0)
  })

  test('stops at once when it is told to', async () => {
    const { impostor, ask } = machine()
    const runId = randomId()
    const told = new AbortController()
    const reason = new AbortReason('told to stop')
    await impostor(runId, () => told.abort(reason))
    await expect(ask(runId, { signal: told.signal, clock: new VirtualClock() })).rejects.toBe(reason)
  })
})
