import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePorts } from '../../scripts/provide/ports.ts'
import { RedisClient } from '../../scripts/provide/redis-client.ts'
import { AbortReason } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { Context } from '../../src/base/context.ts'
import type { Handler } from '../../src/leader/application/handler.ts'
import type { Note } from '../../src/leader/application/note.ts'
import { RedisHandler } from '../../src/leader/application/redis/redis-handler.ts'
import { parseLeaderFile } from '../../src/leader/leader-file.ts'
import { patiently } from '../kit/locker.ts'
import { RedisServer } from '../kit/redis-server.ts'
import { scratch } from '../kit/unique.ts'
import { SILENT } from '../virtual/silent-log.ts'

const CALM = { leader: undefined, fence: undefined, hurried: false, onGroup: () => {} }
const NOWHERE = ['--replicaof', '127.0.0.1', '1']

function context(limitMs = 20_000): Context {
  const end = new AbortController()
  const cancel = systemClock.after(limitMs, () => end.abort(new AbortReason(`no end within ${limitMs} ms`)))
  onTestFinished(cancel)
  return { clock: systemClock, log: SILENT, signal: end.signal, random: Math.random }
}

/** What stands in Consul. */
class Notes {
  note: Note | undefined
  read = async () => this.note
  write = async (_: Context, note: Note) => {
    this.note = note
  }
}

/** Starts a Redis again, and settles when it has loaded its data. */
async function startLoaded(server: RedisServer, ...words: readonly string[]): Promise<void> {
  await server.start(...words)
  await patiently(
    async () => (await server.info('loading')) === '0',
    () => server.log,
  )
}

/** As a Redis starts whose command line says whose replica it is, nobody's. */
function restart(server: RedisServer): Promise<void> {
  return startLoaded(server, ...NOWHERE)
}

interface HandlerParts {
  readonly notes?: Notes
  readonly node?: string
  readonly section?: Readonly<Record<string, unknown>>
  readonly before?: Handler
}

function handlerOf(
  { port }: { port: number },
  { notes = new Notes(), node = 'n1', section = {}, before }: HandlerParts = {},
): Handler {
  const text = `name: app\nport: ${port}\napplication: redis\nredis: ${JSON.stringify(section)}\n`
  return new RedisHandler({ file: parseLeaderFile('app.yaml', text), node, notes, environment: {} }, before)
}

async function master(settings: Readonly<Record<string, string | number>> = {}, section: Record<string, unknown> = {}) {
  const server = await RedisServer.start(settings)
  const notes = new Notes()
  const handler = handlerOf(server, { notes, section })
  await handler.ensureMaster(context(), CALM)
  return { server, notes, handler }
}

describe('a demotion', () => {
  test('closes the master, notes its end, and has clients come anew', async () => {
    const { server, notes, handler } = await master()
    const client = await RedisClient.open(server.host, server.port)
    await client.command('SET', 'a', 1)
    await handler.demote(context(), CALM)
    await expect(client.command('PING')).rejects.toThrow('lost')
    expect(await server.takesWrites()).toBe(false)
    expect(notes.note).toMatchObject({ node: 'n1', slack: 0n, token: expect.any(String) })
    const written = BigInt(await server.info('master_repl_offset'))
    // To have replicas acknowledge moves the offset, too.
    expect(written - (notes.note?.position ?? 0n)).toBeLessThan(100n)
    expect(await server.ask(['GET', 'consul-locker:app'])).toContain(notes.note?.token)
  })

  test('fails when Redis wants a password that nobody gave', async () => {
    const { server, handler } = await master()
    await server.ask(['CONFIG', 'SET', 'requirepass', 'secret'])
    await expect(handler.demote(context(), CALM)).rejects.toThrow('NOAUTH')
    expect(await server.ask(['SET', 'a', 1], 'secret')).toBe('OK')
  })

  test('fails when Redis takes no more clients', async () => {
    const { server, handler } = await master()
    const client = await RedisClient.open(server.host, server.port)
    await client.command('CONFIG', 'SET', 'maxclients', 1)
    await expect(handler.demote(context(), CALM)).rejects.toThrow('max number of clients')
    expect(await client.command('SET', 'a', 1)).toBe('OK')
    client.close()
  })

  test('fails when something else answers', async () => {
    const stranger = createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await once(stranger.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void stranger.close())
    const { port } = stranger.address() as { port: number }
    await expect(handlerOf({ port }).demote(context(), CALM)).rejects.toThrow()
  })

  test('fails when Redis hangs', async () => {
    const { server, handler } = await master()
    server.signal('SIGSTOP')
    await expect(handler.demote(context(700), CALM)).rejects.toMatchObject({ sentence: 'no end within 700 ms' })
    server.signal('SIGCONT')
  })

  test('ends a script that has written nothing', async () => {
    const { server, handler } = await master({ 'lua-time-limit': 100 })
    const running = server.ask(['EVAL', 'while true do end', 0]).catch(String)
    await patiently(
      () =>
        server.ask(['PING']).then(
          () => false,
          () => true,
        ),
      () => 'Redis is not busy',
    )
    await handler.demote(context(), CALM)
    expect(await running).toMatch(/kill/i)
    expect(await server.takesWrites()).toBe(false)
  })

  test('fails while a script writes, and a fence kills that', async () => {
    const { server, handler } = await master({ 'lua-time-limit': 100 })
    const script = "redis.call('SET', 'a', 1) while true do end"
    server.ask(['EVAL', script, 0]).catch(() => {})
    await patiently(
      () =>
        server.ask(['PING']).then(
          () => false,
          () => true,
        ),
      () => 'Redis is not busy',
    )
    await expect(handler.demote(context(), CALM)).rejects.toThrow('UNKILLABLE')
    await handler.fence(context(), CALM)
    await patiently(
      () => !server.isAlive,
      () => 'Redis lives',
    )
  })

  test('closes a Redis that still loads its data, and doesn’t call it well', async () => {
    const server = await RedisServer.start()
    await server.ask(['EVAL', "for i = 1, 20000 do redis.call('SET', 'k' .. i, i) end", 0])
    await server.ask(['SAVE'])
    await server.kill()
    await server.start('--key-load-delay', '500', '--loading-process-events-interval-bytes', '1024')
    const handler = handlerOf(server)
    expect(await handler.health(context(), 'slave')).toMatchObject({
      healthy: false,
      message: 'Redis loads its data',
      role: 'master',
    })
    expect(await handler.readyToLead(context())).toMatchObject({ ready: false })
    await handler.demote(context(), CALM)
    await patiently(
      async () => (await server.info('loading')) === '0',
      () => 'Redis still loads',
    )
    expect(await server.takesWrites()).toBe(false)
  })

  test('of a dead Redis succeeds', async () => {
    const { server, handler } = await master()
    await server.kill()
    await handler.demote(context(), CALM)
    expect(await handler.health(context(), 'master')).toMatchObject({ healthy: false, role: 'stopped' })
  })

  test('fails when nobody listens any more, and clients are served nevertheless', async () => {
    const { server, handler } = await master()
    await patiently(
      async () => (await server.info('rdb_bgsave_in_progress')) === '0',
      () => 'a child of Redis, which inherits the port, still saves',
    )
    const client = await RedisClient.open(server.host, server.port)
    await client.command('CONFIG', 'SET', 'port', 0)
    await expect(handler.demote(context(), CALM)).rejects.toThrow(`process ${server.pid} (redis-server) still has port`)
    expect(await client.command('SET', 'a', 1)).toBe('OK')
    client.close()
  })
})

describe('a fence', () => {
  test('kills the Redis at its own port, and no other one', async () => {
    const { server, handler } = await master()
    const other = await RedisServer.start({ port: server.port }, '127.0.0.2')
    server.signal('SIGSTOP')
    await handler.fence(context(), CALM)
    await patiently(
      () => !server.isAlive,
      () => 'Redis lives',
    )
    expect(other.isAlive).toBe(true)
    await handler.fence(context(), CALM)
    expect(other.isAlive).toBe(true)
  })

  test('kills nobody else who has the port, or whose id a stale file names', async () => {
    const { http: port } = await freePorts()
    const words = ['-e', `require('net').createServer().listen(${port}, '127.0.0.1', () => console.log('listens'))`]
    const stranger: ChildProcess = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void stranger.kill('SIGKILL'))
    await once(stranger.stdout as NodeJS.ReadableStream, 'data')
    await expect(handlerOf({ port }).fence(context(), CALM)).rejects.toThrow('which is no Redis')
    const server = await RedisServer.start()
    await server.kill()
    writeFileSync(join(server.dir, 'redis.pid'), `${stranger.pid}\n`)
    await handlerOf(server).fence(context(), CALM)
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull()
  })
})

test('an idle master is not written to, and one that was written to is noted', async () => {
  const { server, notes, handler } = await master()
  await handler.ensureMaster(context(), CALM)
  const { note } = notes
  const offset = await server.info('master_repl_offset')
  await handler.ensureMaster(context(), CALM)
  expect([notes.note, await server.info('master_repl_offset')]).toEqual([note, offset])
  await server.ask(['SET', 'a', 1])
  await handler.ensureMaster(context(), CALM)
  expect(notes.note?.position).toBeGreaterThan(note?.position ?? 0n)
})

test('a master goes on while Consul is away, and no Redis becomes one then', async () => {
  const { server, notes, handler } = await master()
  notes.read = () => Promise.reject(new Error('Consul is away'))
  await handler.ensureMaster(context(), CALM)
  // As at a hang-up, when the agent reads its file again.
  await handlerOf(server, { notes, before: handler }).ensureMaster(context(), CALM)
  expect(await server.takesWrites()).toBe(true)
  await server.kill()
  await startLoaded(server)
  await expect(handler.ensureMaster(context(), CALM)).rejects.toThrow('Consul is away')
  expect(await server.takesWrites()).toBe(false)
})

test('a Redis that somebody else has opened is closed, and leaves the note of the last master', async () => {
  const { notes } = await master()
  const { note } = notes
  const stranger = await RedisServer.start()
  await stranger.ask(['SET', 'a', 1])
  const handler = handlerOf(stranger, { notes, node: 'n2' })
  await handler.demote(context(), CALM)
  expect([notes.note, await stranger.takesWrites()]).toEqual([note, false])
  expect(await handler.readyToLead(context())).toMatchObject({ ready: false })
  const nobodys = handlerOf(await RedisServer.start(), { node: 'n3' })
  await nobodys.demote(context(), CALM)
  expect(await nobodys.readyToLead(context())).toMatchObject({ ready: true, message: 'nobody has led yet' })
})

test('a master that comes back open, without its data, does not pass for whole by its own note', async () => {
  const { server, notes } = await master({}, { max_loss: 0 })
  await server.ask(['SET', 'a', 1])
  const { note } = notes
  await server.kill()
  await startLoaded(server)
  const handler = handlerOf(server, { notes, section: { max_loss: 0 } })
  await handler.demote(context(), CALM)
  expect([notes.note, await server.takesWrites()]).toEqual([note, false])
  expect(await handler.readyToLead(context())).toMatchObject({ ready: false })
})

test('a master that comes back open with all its data is known for whole, also when its demotion is cut short', async () => {
  const server = await RedisServer.start({ appendonly: 'yes', appendfsync: 'always' })
  const notes = new Notes()
  const options = { notes, section: { max_loss: 0 } }
  const first = handlerOf(server, options)
  await first.ensureMaster(context(), CALM)
  await server.ask(['SET', 'a', 1])
  await first.demote(context(), CALM)
  await server.kill()
  await startLoaded(server)
  const write = notes.write
  notes.write = () => Promise.reject(new Error('the call was interrupted'))
  await handlerOf(server, options).demote(context(), CALM)
  expect(await handlerOf(server, options).readyToLead(context())).toMatchObject({ ready: true })
  notes.write = write
  await handlerOf(server, options).demote(context(), CALM)
  await server.kill()
  await startLoaded(server)
  expect(await handlerOf(server, options).readyToLead(context())).toMatchObject({ ready: true })
})

describe('a Redis that restarts', () => {
  test('emptied, after CONFIG REWRITE, has given its replicas nothing when it is looked at', async () => {
    const server = await RedisServer.start({ 'repl-diskless-sync-delay': 0 })
    const file = join(server.dir, 'redis.conf')
    const notes = new Notes()
    await server.kill()
    writeFileSync(file, `port ${server.port}\nbind 127.0.0.1\nreplicaof 127.0.0.1 1\nrepl-diskless-sync no\n`)
    await server.startWith(file)
    const second = await RedisServer.start({ replicaof: '127.0.0.1 1' })
    const handler = handlerOf(server, { notes })
    const leader = { node: 'n1', address: server.host, port: server.port, promoted: true }
    await handler.ensureMaster(context(), CALM)
    await handlerOf(second, { notes, node: 'n2' }).ensureSlave(context(), leader, CALM)
    await server.ask(['SET', 'a', 1])
    await patiently(
      async () => (await second.ask(['GET', 'a'])) === '1',
      () => second.log,
    )
    await handler.ensureMaster(context(), CALM)
    await server.ask(['CONFIG', 'REWRITE'])
    expect(readFileSync(file, 'utf8')).not.toContain('replicaof')
    await server.kill()
    await server.startWith(file)
    expect(await server.info('role')).toBe('master')
    await patiently(
      async () => (await server.info('slave0')) !== '',
      () => server.log,
    )
    await expect(handler.ensureMaster(context(), CALM)).rejects.toThrow("don't go on")
    expect(await server.info('role')).toBe('slave')
    expect(await second.ask(['GET', 'a'])).toBe('1')
    const replica = handlerOf(second, { notes, node: 'n2' })
    expect(await replica.readyToLead(context())).toMatchObject({ ready: true })
    expect(await handler.readyToLead(context())).toMatchObject({ ready: false })
  })

  test('emptied, as a master, takes no writes once it is looked at, and gives no data away', async () => {
    const { server, handler } = await master()
    await server.ask(['SET', 'a', 1])
    await handler.ensureMaster(context(), CALM)
    await server.kill()
    await startLoaded(server)
    expect(await server.takesWrites()).toBe(true)
    await expect(handler.ensureMaster(context(), CALM)).rejects.toThrow("don't go on from those of n1")
    expect(await server.takesWrites()).toBe(false)
    expect(await server.info('role')).toBe('slave')
    expect(await handler.readyToLead(context())).toMatchObject({ ready: false })
    expect(await handler.health(context(), 'master')).toMatchObject({ healthy: false, role: 'slave' })
  })

  test.each([
    ['demoted before', true],
    ['killed as a master', false],
  ])('with all its data may lead: %s', async (_, isDemoted) => {
    const { server, handler } = await master({ appendonly: 'yes', appendfsync: 'always' })
    await server.ask(['SET', 'a', 1])
    if (isDemoted) await handler.demote(context(), CALM)
    await server.kill()
    await restart(server)
    expect(await handler.readyToLead(context())).toEqual({
      ready: true,
      message: expect.any(String),
      position: expect.any(BigInt),
    })
    await handler.ensureMaster(context(), CALM)
    expect(await server.ask(['GET', 'a'])).toBe('1')
    expect(await server.takesWrites()).toBe(true)
  })

  test('from a file of snapshots may lead when that has all', async () => {
    const { server, handler } = await master()
    await server.ask(['SET', 'a', 1])
    await handler.demote(context(), CALM)
    await server.ask(['SAVE'])
    await server.kill()
    await restart(server)
    expect(await handler.readyToLead(context())).toMatchObject({ ready: true })
  })

  test('with a file that was cut off may not, nor from an older snapshot', async () => {
    const { server, handler } = await master({ appendonly: 'yes', appendfsync: 'always' }, { max_loss: 0 })
    await server.ask(['SET', 'a', 1])
    await handler.demote(context(), CALM)
    await server.kill()
    const dir = join(server.dir, 'appendonlydir')
    const file = join(dir, readdirSync(dir).find((name) => name.endsWith('.incr.aof')) ?? '')
    truncateSync(file, statSync(file).size - 60)
    await restart(server)
    expect(await handler.readyToLead(context())).toMatchObject({
      ready: false,
      message: expect.stringContaining('was at'),
    })
    await server.kill()
    rmSync(dir, { recursive: true })
    await restart(server)
    expect(await handler.readyToLead(context())).toMatchObject({ ready: false })
  })
})

describe('a replica', () => {
  const passwordFile = (password: string) => {
    const file = join(scratch(), 'password')
    writeFileSync(file, `${password}\n`)
    return file
  }

  async function pair() {
    const file = passwordFile('one')
    const section = { password_file: file }
    const { server, notes, handler } = await master({ requirepass: 'one', 'repl-diskless-sync-delay': 0 }, section)
    const second = await RedisServer.start({ requirepass: 'one', replicaof: '127.0.0.1 1' })
    const leader = { node: 'n1', address: server.host, port: server.port, promoted: true }
    return {
      server,
      notes,
      handler,
      file,
      section,
      second,
      leader,
      replica: handlerOf(second, { notes, node: 'n2', section }),
    }
  }

  const linked = (server: RedisServer, password: string) =>
    patiently(
      async () => String(await server.ask(['INFO', 'replication'], password)).includes('master_link_status:up'),
      () => server.log,
    )

  test('gives the password that its master wants, also when that has changed', async () => {
    const { server, second, replica, leader, handler, file } = await pair()
    await replica.ensureSlave(context(), leader, CALM)
    await linked(second, 'one')
    expect(await second.ask(['SET', 'a', 1], 'one').catch(String)).toContain('READONLY')
    await server.ask(['CONFIG', 'SET', 'requirepass', 'two'], 'one')
    await second.ask(['CONFIG', 'SET', 'requirepass', 'two'], 'one')
    expect(await handler.health(context(), 'master')).toMatchObject({
      healthy: false,
      message: expect.stringContaining('WRONGPASS'),
    })
    writeFileSync(file, 'two')
    expect(await handler.health(context(), 'master')).toMatchObject({ healthy: true, role: 'master' })
    await replica.ensureSlave(context(), leader, CALM)
    expect(await second.ask(['CONFIG', 'GET', 'masterauth'], 'two')).toEqual(['masterauth', 'two'])
    await server.ask(['CLIENT', 'KILL', 'TYPE', 'replica'], 'two')
    await linked(second, 'two')
  })

  test('follows nobody who hasn’t noted what it has', async () => {
    const { replica, leader, second } = await pair()
    await expect(replica.ensureSlave(context(), { ...leader, node: 'n3' }, CALM)).rejects.toThrow("n3 hasn't noted yet")
    expect(String(await second.ask(['INFO', 'replication'], 'one'))).toContain('master_port:1\r')
  })

  test('throws its data away when it is made anew, and never leads before it has the master’s', async () => {
    const { server, second, replica, leader } = await pair()
    await server.ask(['SET', 'a', 1], 'one')
    await replica.ensureSlave(context(), leader, CALM)
    await linked(second, 'one')
    await second.ask(['REPLICAOF', 'NO', 'ONE'], 'one')
    await second.ask(['CONFIG', 'SET', 'min-replicas-to-write', 0], 'one')
    await second.ask(['SET', 'rubbish', 1], 'one')
    await replica.reinit(context(), leader, CALM)
    expect(await second.ask(['GET', 'rubbish'], 'one')).toBeNull()
    expect(await second.ask(['GET', 'a'], 'one')).toBe('1')
    expect(await replica.health(context(), 'slave')).toMatchObject({ healthy: true, role: 'slave' })
  })
})
