import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { program } from '../../scripts/provide/debian.ts'
import { asCron } from '../kit/documents.ts'

// The first of these tests on a fresh clone downloads Consul.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const project = join(import.meta.dirname, '../..')
const locker = join(project, 'dist/consul-locker')
const example = (name: string) => join(project, 'examples', name)

let consul: ConsulAgent
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  consul = await startConsul({ config: { enable_script_checks: true } })
  const found = [await program('curl', 'curl'), await program('jq', 'jq')]
  const joined = (name: string) => [...new Set(found.flatMap((one) => one.env[name]?.split(':') ?? []))].join(':')
  const libraries = joined('LD_LIBRARY_PATH')
  env = {
    ...process.env,
    PATH: joined('PATH'),
    ...(libraries && { LD_LIBRARY_PATH: libraries }),
    CONSUL_HTTP_ADDR: consul.address,
  }
})

afterAll(() => consul?.stop())

interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A process that doesn't outlive its test. */
class Running {
  readonly child: ChildProcess
  readonly #closed: Promise<unknown>
  #stdout = ''
  #stderr = ''

  constructor(command: string, args: readonly string[], environment: NodeJS.ProcessEnv) {
    this.child = spawn(command, args, { env: environment, cwd: project, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stdout?.setEncoding('utf8').on('data', (text) => {
      this.#stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.#stderr += text
    })
    this.#closed = once(this.child, 'close')
    this.#closed.catch(() => {})
    onTestFinished(async () => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return
      const kill = setTimeout(() => this.child.kill('SIGKILL'), 8_000)
      this.child.kill('SIGTERM')
      await once(this.child, 'exit')
      clearTimeout(kill)
    })
  }

  /** Resolves when the process has printed `text`. */
  async says(text: string): Promise<void> {
    await vi.waitUntil(() => this.#stdout.includes(text), { timeout: 30_000 })
  }

  async ends(): Promise<Outcome> {
    await this.#closed
    const { exitCode: code, signalCode: signal } = this.child
    return { code, signal, stdout: this.#stdout, stderr: this.#stderr }
  }
}

function start(command: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Running {
  return new Running(command, args, { ...env, ...more })
}

function run(command: string, args: readonly string[], more?: NodeJS.ProcessEnv): Promise<Outcome> {
  return start(command, args, more).ends()
}

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'examples-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

async function ask(path: string, method = 'GET', body?: object): Promise<string> {
  const response = await fetch(consul.address + path, { method, ...(body && { body: JSON.stringify(body) }) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text
}

test('every shell script passes shellcheck', async () => {
  const scripts: string[] = []
  for (const folder of ['examples', 'scripts']) {
    for (const file of await readdir(join(project, folder), { withFileTypes: true, recursive: true })) {
      if (!file.isFile()) continue
      const path = relative(project, join(file.parentPath, file.name))
      if (/^#!.*\b(ba|da|)sh\b/.test(await readFile(join(project, path), 'utf8'))) scripts.push(path)
    }
  }
  expect(scripts).toEqual(
    expect.arrayContaining(['examples/10-second-wait', 'examples/solr/solr-role', 'scripts/bench/reference.sh']),
  )
  const shellcheck = await program('shellcheck', 'shellcheck')
  const { code, stdout, stderr } = await run(shellcheck.path, scripts, shellcheck.env)
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
})

describe('10-second-wait', () => {
  test.for([{ args: [] }, { args: ['one', ''] }, { args: ['--help', 'a b', '--'] }])(
    'exits with the number of its arguments: $args',
    async ({ args }) => {
      const { code, stdout } = await run(locker, ['sleepers', example('10-second-wait'), ...args], {
        SECONDS_TO_SLEEP: '0.1',
      })
      expect(stdout).toMatch(/^Sleeping for 0.1 seconds\nSlept [01] seconds\nReturning \d\n$/)
      expect(code).toBe(args.length)
    },
  )

  test('two of them under one lock run one after the other', async () => {
    const diary = join(await directory(), 'diary')
    const script = 'echo begin >>"$1"; "$0" >/dev/null; echo end >>"$1"'
    const args = ['sleepers', 'sh', '-c', script, example('10-second-wait'), diary]
    await Promise.all([1, 2].map(() => run(locker, args, { SECONDS_TO_SLEEP: '1' })))
    expect(await readFile(diary, 'utf8')).toBe('begin\nend\nbegin\nend\n')
  })

  test('a TERM to the runner ends the sleep at once, with 143', async () => {
    const sleeping = start(locker, ['sleepers', example('10-second-wait')], { SECONDS_TO_SLEEP: '600' })
    await sleeping.says('Sleeping')
    sleeping.child.kill('SIGTERM')
    expect(await sleeping.ends()).toMatchObject({ code: 143, stdout: 'Sleeping for 600 seconds\n' })
  })

  test.for(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const)(
    '%s to itself alone ends it at once',
    async (signal) => {
      const sleeping = start(example('10-second-wait'), [], { SECONDS_TO_SLEEP: '600' })
      await sleeping.says('Sleeping')
      sleeping.child.kill(signal)
      expect(await sleeping.ends()).toMatchObject({ code: null, signal })
    },
  )
})

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

describe('hourly-report', () => {
  const lock = 'consul-locker-hourly-report'

  /** What cron would do: the crontab's own job in the crontab's own environment. */
  async function cron(dir: string): Promise<Outcome> {
    const lines = (await readFile(example('hourly-report.crontab'), 'utf8')).trimEnd().split('\n')
    const settings = lines.filter((line) => /^[A-Z]+=/.test(line))
    const { PATH, LD_LIBRARY_PATH } = env
    const more = { REPORT_DIRECTORY: dir, REPORT_HOUR: '2026010113', CONSUL_HTTP_ADDR: consul.address }
    const installed = { ...Object.fromEntries(settings.map((line) => line.split('='))), ...more }
    return new Running(
      '/bin/sh',
      [
        '-c',
        asCron(lines.at(-1) ?? '', '"$@"'),
        'sh',
        ...Object.entries({
          ...installed,
          PATH: `${await bin()}:${installed.PATH}:${PATH}`,
          ...(LD_LIBRARY_PATH && { LD_LIBRARY_PATH }),
        }).map(([name, value]) => `${name}=${value}`),
      ],
      {},
    ).ends()
  }

  async function bin(): Promise<string> {
    const dir = await directory()
    await symlink(locker, join(dir, 'consul-locker'))
    await symlink(example('hourly-report'), join(dir, 'hourly-report'))
    return dir
  }

  const silence = { code: 0, stdout: '', stderr: '' }

  async function reports(dirs: readonly string[]): Promise<string[]> {
    return (await Promise.all(dirs.map((dir) => readdir(dir).catch(() => [])))).flat().sort()
  }

  /** Machines on which it is the first time. */
  async function machines(count: number): Promise<string[]> {
    await ask(`/v1/kv/${lock}?recurse`, 'DELETE')
    return Promise.all(Array.from({ length: count }, directory))
  }

  test('four machines at the same minute make one report, one that comes later none, and there is nothing to mail', async () => {
    const dirs = await machines(4)
    const ends = await Promise.all(dirs.map((dir) => cron(dir)))
    expect(ends).toMatchObject(dirs.map(() => silence))
    const [first = ''] = dirs
    expect(await cron(first)).toMatchObject(silence)
    // A second one when it has just struck the hour.
    expect([1, 2]).toContain((await reports(dirs)).length)
  })

  test('a lock that another machine holds is not mailed', async () => {
    const dirs = await machines(1)
    const holder = start(locker, ['hourly-report', example('10-second-wait')], { SECONDS_TO_SLEEP: '600' })
    await holder.says('Sleeping')
    expect(await cron(dirs[0] ?? '')).toMatchObject(silence)
    expect(await reports(dirs)).toEqual([])
  })

  test('a report that fails is mailed, and the next try makes it', async () => {
    const [dir = ''] = await machines(1)
    const blocked = join(dir, 'blocked')
    await writeFile(blocked, '')
    const { code, stderr } = await cron(blocked)
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('mkdir') })
    await rm(blocked)
    expect(await cron(blocked)).toMatchObject(silence)
    expect(await readdir(blocked)).toEqual(['2026010113.txt'])
    expect(await readFile(join(blocked, '2026010113.txt'), 'utf8')).toMatch(
      /^Report for 2026010113, by .+, fence \d+\n/,
    )
  })
})
