import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { program } from '../../../scripts/provide/debian.ts'
import { asOrdinaryUser } from '../../../scripts/provide/ordinary-user.ts'
import { freePorts } from '../../../scripts/provide/ports.ts'
import { type Running, startLocker } from '../../kit/locker.ts'
import { MariadbNode, newDataDirectory } from '../../kit/mariadb-node.ts'
import { RedisServer } from '../../kit/redis-server.ts'
import { scratch, uniqueName } from '../../kit/unique.ts'

const TIMEOUT = { timeout: 300_000 }
/** On a busy machine a server takes its time, and a hung one is waited for. */
const TIMEOUTS = { health: '10s', demote: '10s', fence: '10s' }
const STEPS = [
  'it is no master then',
  'it can lead after that',
  'demote of who',
  'ensure_master that is cut',
  'demote of a hung master',
]

async function fileIn(dir: string, keys: Readonly<Record<string, unknown>>): Promise<string> {
  const file = join(dir, 'app.yaml')
  const api = `127.0.0.1:${(await freePorts()).http}`
  writeFileSync(
    file,
    JSON.stringify({ name: uniqueName('app'), address: '127.0.0.1', api, timeouts: TIMEOUTS, ...keys }),
  )
  return file
}

/** Waits until it has come so far: for each step, for a test's patience. */
async function reaches(running: Running, title: string): Promise<void> {
  for (const step of [...STEPS, title]) await running.prints(new RegExp(step))
}

/** Every promise was kept; of a supervised server somebody may have started it before it was looked at. */
async function keepsAll(running: Running): Promise<void> {
  await reaches(running, 'ready_to_lead of a dead')
  const { code, stdout, stderr } = await running.ends()
  const lines = stdout.split('\n').filter((line) => /^(FAILED|not told)/.test(line))
  expect(lines.filter((line) => !line.endsWith('started it again already'))).toEqual([])
  expect({ code, stderr }).toMatchObject({ code: 0 })
}

// A hung server is waited for, by each of them.
describe.concurrent('leader test', () => {
  test('application: redis keeps its promises', TIMEOUT, async () => {
    const server = await RedisServer.start({ replicaof: '127.0.0.1 1' })
    const file = await fileIn(server.dir, { port: server.port, application: 'redis' })
    const running = startLocker(['leader', 'test', '-f', file, '--yes'])
    await reaches(running, 'demote or fence of a dead')
    await server.start()
    await keepsAll(running)
  })

  test('application: mysql keeps its promises', TIMEOUT, async () => {
    const node = await MariadbNode.start(await newDataDirectory(), 1)
    const file = await fileIn(node.dir, { port: node.port, application: 'mysql', mysql: node.section })
    const { PATH, LD_LIBRARY_PATH } = node.env
    await keepsAll(startLocker(['leader', 'test', '-f', file, '--yes'], { env: { PATH, LD_LIBRARY_PATH } }))
  })

  test('application: postgres keeps its promises', TIMEOUT, async () => {
    const { path, env } = await program('pg_ctl', 'postgresql-15')
    const { words, uid, gid } = await asOrdinaryUser()
    const dir = scratch()
    chmodSync(dir, 0o755)
    mkdirSync(join(dir, 'home'))
    const [data, bin, port] = [join(dir, 'home/data'), dirname(realpathSync(path)), (await freePorts()).http]
    const as = [...words, join(bin, 'initdb'), '--no-sync', '--auth=trust', '--username=postgres', `--pgdata=${data}`]
    chownSync(join(dir, 'home'), uid, gid)
    execFileSync(as[0] as string, as.slice(1), { env: { ...env, LC_ALL: 'C' }, stdio: 'pipe' })
    const settings = [`port = ${port}`, "listen_addresses = '127.0.0.1'", "unix_socket_directories = ''", 'fsync = off']
    writeFileSync(join(data, 'postgresql.auto.conf'), `${[...settings, 'wal_log_hints = on'].join('\n')}\n`)
    const file = await fileIn(dir, { port, application: 'postgres', postgres: { data, bin } })
    const options = { env: { ...env, HOME: join(dir, 'home'), LC_ALL: 'C' }, through: [...words] }
    await keepsAll(startLocker(['leader', 'test', '-f', file, '--yes'], options))
  })
})
