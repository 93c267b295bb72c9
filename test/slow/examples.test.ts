import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ask, directory, env, example, locker, type Outcome, run } from '../kit/example-runs.ts'

// The first of these tests on a fresh clone downloads Consul.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

// Runs the JavaScript that it is given against replica sets made of files: a member comes up in a few steps, one for
// each time that its state is asked for. `sets.json` is only written under the lock.
const mongosh = `#!${process.execPath}
const { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
const { runInNewContext } = require('node:vm')
process.chdir(process.env.MONGO_DIR)
const script = process.argv[process.argv.indexOf('--eval') + 1]
const uri = new URL(process.argv.at(-1))
if (!existsSync('up-' + uri.port)) {
  console.error('MongoServerSelectionError: connect ECONNREFUSED ' + uri.host)
  process.exit(1)
}
const sets = existsSync('sets.json') ? JSON.parse(readFileSync('sets.json', 'utf8')) : []
const set = sets.find(({ members }) => members.some(({ host }) => host.endsWith(':' + uri.port)))
const wanted = uri.searchParams.get('replicaSet')
if (wanted && wanted !== set?._id) throw new Error('no member of ' + wanted)
const change = (what) => {
  appendFileSync('changes', uri.port + ' ' + what + '\\n')
  writeFileSync('sets.json.new', JSON.stringify(sets))
  renameSync('sets.json.new', 'sets.json')
}
const states = (first) => existsSync('stuck') ? [3] : first ? [0, 2, 1] : [0, 5, 3, 2]
const rs = {
  initiate(config) {
    if (set) throw Object.assign(new Error('already initialized'), { codeName: 'AlreadyInitialized' })
    sets.push(config)
    change('initiate ' + config._id + ' ' + config.members[0].host)
  },
  add(host) {
    set.members.push({ _id: set.members.length, host })
    change('add ' + host)
  },
  conf: () => set,
  status() {
    if (!set) throw Object.assign(new Error('no replset config'), { codeName: 'NotYetInitialized' })
    const asked = existsSync('asked-' + uri.port) ? readFileSync('asked-' + uri.port).length : 0
    appendFileSync('asked-' + uri.port, '.')
    const steps = states(set.members[0].host.endsWith(':' + uri.port))
    return { myState: steps[asked] ?? steps.at(-1) }
  },
}
runInNewContext(script, { db: { hello: () => ({ ok: 1 }) }, rs, print: console.log })
`

describe('mongodb-replicaset', () => {
  const script = example('mongodb-replicaset')

  interface Machine {
    readonly address: string
    readonly settings: NodeJS.ProcessEnv
  }

  /** Machines whose mongod runs; all of them keep their state in one directory. */
  async function machines<const Ports extends number[]>(...ports: Ports): Promise<{ [I in keyof Ports]: Machine }> {
    const dir = await directory()
    await writeFile(join(dir, 'mongosh'), mongosh, { mode: 0o755 })
    for (const port of ports) await writeFile(join(dir, `up-${port}`), '')
    return ports.map((port) => {
      const address = `127.0.0.1:${port}`
      return {
        address,
        settings: { PATH: `${dir}:${env.PATH}`, MONGO_DIR: dir, MONGODB_ADDRESS: address, POLL: '0.2' },
      }
    }) as { [I in keyof Ports]: Machine }
  }

  /** Makes each mongod a service in Consul, with our `check` as its check. */
  async function register(service: string, all: Machine[]): Promise<void> {
    for (const { address, settings } of all) {
      const id = `${service}-${address}`
      const words = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
      const Check = { Args: ['/usr/bin/env', ...words, script, 'check'], Interval: '1s' }
      await ask('/v1/agent/service/register', 'PUT', {
        Name: service,
        ID: id,
        Port: Number(address.split(':')[1]),
        Check,
      })
      onTestFinished(async () => void (await ask(`/v1/agent/service/deregister/${id}`, 'PUT')))
    }
  }

  function bootstrap(service: string, { settings }: Machine, more: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    return run(locker, [service, script, `--service=${service}`, 'bootstrap'], { ...settings, ...more })
  }

  const file = ({ settings }: Machine, name: string) => join(settings.MONGO_DIR ?? '', name)

  /** What was changed in MongoDB, in order: through which port, what, for whom. */
  async function changes(machine: Machine): Promise<string[][]> {
    const text = await readFile(file(machine, 'changes'), 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' '))
  }

  test('of three machines that start together one starts the set and the others join it', async () => {
    const all = await machines(27101, 27102, 27103)
    await register('mongo-a', all)
    const ends = await Promise.all(all.map((machine) => bootstrap('mongo-a', machine)))
    expect(
      ends.map(({ code }) => code),
      ends.map(({ stderr }) => stderr).join('\n'),
    ).toEqual([0, 0, 0])
    const done = await changes(all[0])
    expect(done.map(([, what]) => what)).toEqual(['initiate', 'add', 'add'])
    expect(done.map((words) => words.at(-1)).sort()).toEqual(all.map(({ address }) => address))
    await vi.waitUntil(async () => JSON.parse(await ask('/v1/health/service/mongo-a?passing')).length === 3, {
      timeout: 30_000,
    })
  })

  test('a machine that is a member already changes nothing', async () => {
    const [machine] = await machines(27101)
    await register('mongo-b', [machine])
    expect(await bootstrap('mongo-b', machine)).toMatchObject({ code: 0 })
    const before = await changes(machine)
    expect(await bootstrap('mongo-b', machine)).toMatchObject({ code: 0, stderr: expect.stringContaining('already') })
    expect(before).toEqual([['27101', 'initiate', 'rs0', '127.0.0.1:27101']])
    expect(await changes(machine)).toEqual(before)
  })

  test('names are data, and never become JavaScript', async () => {
    const [machine] = await machines(27101)
    const more = { MONGODB_ADDRESS: '"+evil()+":27101', CONSUL_TIMEOUT: '0' }
    expect(await bootstrap('mongo-c', machine, more)).toMatchObject({ code: 16 })
    expect(await changes(machine)).toEqual([['27101', 'initiate', 'rs0', '"+evil()+":27101']])
  })

  test('refuses to bootstrap without the lock', async () => {
    const [machine] = await machines(27101)
    const { code, stderr } = await run(script, ['bootstrap'], machine.settings)
    expect({ code, stderr }).toMatchObject({ code: 10, stderr: expect.stringContaining('under a lock') })
    expect(await changes(machine)).toEqual([])
  })

  test.for([
    { trouble: 'mongod does not answer', code: 12, less: 'up-27101', more: { MONGOD_TIMEOUT: '0' } },
    { trouble: 'the member stays in RECOVERING', code: 15, extra: 'stuck', more: { STATE_TIMEOUT: '0' } },
    { trouble: 'Consul lists no passing member', code: 16, more: { CONSUL_TIMEOUT: '0' } },
    { trouble: 'mongosh is missing', code: 11, less: 'mongosh' },
  ])('bootstrap exits with $code when $trouble', async ({ code, less, extra, more }) => {
    const [machine] = await machines(27101)
    if (less) await rm(file(machine, less))
    if (extra) await writeFile(file(machine, extra), '')
    const end = await bootstrap('mongo-d', machine, more)
    expect(end).toMatchObject({ code, stderr: expect.stringMatching(/^mongodb-replicaset: .+$/m) })
  })

  test('bootstrap exits with 13 when Consul cannot be asked, and starts no set', async () => {
    const [machine] = await machines(27101)
    const args = ['mongo-e', 'env', 'CONSUL_HTTP_ADDR=127.0.0.1:1', script, 'bootstrap']
    expect(await run(locker, args, machine.settings)).toMatchObject({ code: 13 })
    expect(await changes(machine)).toEqual([])
  })

  test('check is critical without a set, a warning on the way into it, and passing in it', async () => {
    const [machine] = await machines(27101)
    const check = async () => (await run(script, ['check'], machine.settings)).code
    expect(await check()).toBe(2)
    await writeFile(file(machine, 'sets.json'), JSON.stringify([{ _id: 'rs0', members: [{ host: machine.address }] }]))
    expect([await check(), await check(), await check()]).toEqual([1, 0, 0])
    await rm(file(machine, 'up-27101'))
    expect(await check()).toBe(2)
  })
})
