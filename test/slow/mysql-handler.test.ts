import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Context } from '../../src/base/context.ts'
import { createLog } from '../../src/base/log.ts'
import { HandlerApplication } from '../../src/leader/application/handler-application.ts'
import { mysqlHandler } from '../../src/leader/application/mysql/mysql-handler.ts'
import { MemoryNotes } from '../../src/leader/conformance/memory-notes.ts'
import { parseLeaderFile } from '../../src/leader/leader-file.ts'
import type { ApplicationCall } from '../../src/leader/machine/agent-state.ts'
import { patiently } from '../kit/locker.ts'
import { MariadbNode, newDataDirectory } from '../kit/mariadb-node.ts'

const TIMEOUT = { timeout: 240_000 }
const SHOP = 'CREATE DATABASE shop; CREATE TABLE shop.t (i INT PRIMARY KEY); INSERT INTO shop.t VALUES (1)'

/** A MariaDB and what drives it, as an agent calls it. */
class Member {
  readonly node: MariadbNode
  readonly leader
  readonly #application: HandlerApplication

  constructor(node: MariadbNode, name: string, notes: MemoryNotes, administrators: readonly string[] = []) {
    const all = { name: 'db', port: node.port, application: 'mysql', timeouts: { health: '20s', demote: '20s' } }
    const text = JSON.stringify({ ...all, mysql: { ...node.section, administrators } })
    const file = parseLeaderFile(join(node.dir, 'app.yaml'), text)
    this.node = node
    this.leader = { node: name, address: '127.0.0.1', port: node.port, promoted: true }
    this.#application = new HandlerApplication(file, mysqlHandler({ file, node: name, notes, environment: node.env }))
  }

  async health(): Promise<string> {
    return (await this.#application.health(within(), 'master')).message
  }

  /** What went wrong; an empty text is success. */
  async call(call: ApplicationCall, of?: Member, hurried = false): Promise<string> {
    const terms = { leader: of?.leader, fence: 1, hurried, onGroup: () => {} }
    const { ok, message } = await this.#application.call(within(), call, terms)
    return ok ? '' : message
  }

  async has(statement: string, rows: string): Promise<void> {
    let last = ''
    const look = async () => {
      last = await this.node.sql(statement).then((rows) => rows.join(), String)
      return last === rows
    }
    await patiently(look, () => `${statement}: ${last}, not ${rows}`)
  }
}

function within(): Context {
  const log = createLog({ format: 'text', quiet: true, debug: false, write: () => {} })
  return { clock: systemClock, log, signal: AbortSignal.timeout(60_000), random: Math.random }
}

async function pair(): Promise<[Member, Member]> {
  const data = await newDataDirectory()
  const notes = new MemoryNotes()
  const [one, two] = await Promise.all([MariadbNode.start(data, 1), MariadbNode.start(data, 2)])
  const [master, slave] = [new Member(one, 'n1', notes), new Member(two, 'n2', notes)]
  expect(await master.call('ensure-master')).toBe('')
  await one.sql(SHOP)
  expect(await slave.call('ensure-slave', master)).toBe('')
  await slave.has('SELECT i FROM shop.t', '1')
  return [master, slave]
}

test('mysql › a node where read_only would not bind, or not last, does not lead', TIMEOUT, async () => {
  const node = await MariadbNode.start(await newDataDirectory(), 1)
  const notes = new MemoryNotes()
  const member = new Member(node, 'n1', notes)
  await node.sql("SET sql_log_bin = 0; CREATE USER boss@'127.%'; GRANT SUPER, READ_ONLY ADMIN ON *.* TO boss@'127.%'")
  for (const call of ['ready', 'ensure-master'] as const) {
    expect(await member.call(call)).toContain("read_only doesn't bind boss@127.%")
  }
  expect(await new Member(node, 'n1', notes, ['boss@127.%']).call('ready')).toBe('')
  await node.sql("SET sql_log_bin = 0; REVOKE READ_ONLY ADMIN ON *.* FROM boss@'127.%'")
  expect(await member.call('ensure-master')).toBe('')

  // A master goes on, and says so; it is closed, but nobody gets its lock; killed, it would be a second master.
  node.configure(1, [])
  expect(await member.call('ensure-master')).toBe('')
  expect(await member.health()).toMatch(/^MariaDB operating as master; the server would restart open to writes/)
  const { pid } = node
  for (const call of ['demote', 'fence', 'ready', 'ensure-master'] as const) {
    expect(await member.call(call)).toContain('the server would restart open to writes')
  }
  expect(await node.sql('SELECT @@read_only')).toEqual(['1'])
  expect(node.pid).toBe(pid)
  node.configure(1)
  expect(await member.call('demote')).toBe('')
})

test('mysql › a demoted master has written all that it said, and lets nobody in who writes', TIMEOUT, async () => {
  const [master, slave] = await pair()
  await master.node.sql("CREATE USER boss@'127.%' IDENTIFIED BY 'app'; GRANT SUPER ON *.* TO boss@'127.%'")
  const long = master.node.sql('INSERT INTO shop.t SELECT 2 + SLEEP(100)', 'app')
  long.catch(() => {})
  await master.has("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'app'", '1')
  expect(await master.call('demote')).toBe('')
  await expect(long).rejects.toThrow()
  for (const account of ['app', 'boss'] as const) {
    await expect(master.node.sql('INSERT INTO shop.t VALUES (3)', account)).rejects.toThrow()
  }
  await master.node.sql('SELECT 1', 'app')

  // What has arrived is applied before a slave becomes master.
  await slave.node.sql('STOP SLAVE SQL_THREAD')
  expect(await master.call('ensure-master')).toBe('')
  await master.node.sql('INSERT INTO shop.t VALUES (4)', 'app')
  expect(await master.call('demote')).toBe('')
  expect(await slave.call('ready')).toContain('and n1 was at')
  expect(await slave.call('stand-by')).toBe('')
  await patiently(
    async () => (await slave.call('ready')) === '',
    () => 'it is not ready',
  )
  expect(await slave.call('ensure-master')).toBe('')
  expect(await slave.node.sql('SELECT i FROM shop.t')).toEqual(['1', '4'])
  expect(await master.call('ensure-slave', slave)).toBe('')
})

test('mysql › what the master lacks is named, and given up only when somebody asks', TIMEOUT, async () => {
  const [master, slave] = await pair()
  await slave.node.sql('INSERT INTO shop.t VALUES (99)')
  await slave.node.sql('STOP SLAVE; RESET SLAVE ALL')
  expect(await slave.call('ensure-slave', master)).toMatch(/^this server has the transaction 2-\d+, which n1 lacks/)
  expect(await slave.node.sql('SELECT i FROM shop.t')).toEqual(['1', '99'])
  expect(await slave.call('reinit', master)).toBe('')
  expect(await slave.call('ensure-slave', master)).toBe('')
  await master.node.sql('INSERT INTO shop.t VALUES (5)')
  await slave.has('SELECT i FROM shop.t', '1,5')
  // The accounts have come with the data, and it may lead.
  await master.call('demote')
  await patiently(
    async () => (await slave.call('ready')) === '',
    () => 'it is not ready',
  )
  expect(await slave.call('ensure-master')).toBe('')
  await slave.node.sql('INSERT INTO shop.t VALUES (6)', 'app')
  expect(await master.call('ensure-slave', slave)).toBe('')
  await master.has('SELECT i FROM shop.t', '1,5,6')
})

test('mysql › a copy that comes to no end is made again, and nobody leads with the half of it', TIMEOUT, async () => {
  const [master, slave] = await pair()
  await master.node.sql('USE shop; INSERT INTO t SELECT seq FROM seq_2_to_2000')
  await master.node.sql("REVOKE SELECT ON *.* FROM repl@'127.%'")
  expect(await slave.call('reinit', master)).toContain("the data of n1 can't be taken")
  expect(await slave.call('ready')).toBe('only some of the data of a master are here')
  expect(await slave.call('ensure-slave', master)).toContain("the data of n1 can't be taken")
  await master.node.sql("GRANT SELECT ON *.* TO repl@'127.%'")
  expect(await slave.call('ensure-slave', master)).toBe('')
  await slave.has('SELECT COUNT(*) FROM shop.t', '2000')
})

test('mysql › a hung server is fenced, and no other one', TIMEOUT, async () => {
  const [master, slave] = await pair()
  const before = master.node.pid
  process.kill(before, 'SIGSTOP')
  onTestFinished(() => {
    try {
      process.kill(before, 'SIGCONT')
    } catch {
      // It is dead, as it should be.
    }
  })
  expect(await master.call('demote', undefined, true)).toBe('no end within 2s')
  expect(await master.call('fence')).toBe('')
  await master.node.answers()
  expect(master.node.pid).not.toBe(before)
  expect(await master.node.sql('SELECT @@read_only')).toEqual(['1'])
  expect(await slave.node.sql('SELECT i FROM shop.t')).toEqual(['1'])
})
