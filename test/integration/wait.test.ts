import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { isMissing, listening, ran, register, turns, wait } from '../kit/gate-waits.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { startProxy } from '../kit/proxy.ts'
import { client, put } from '../kit/shared-consul.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

describe('a gate turned round is waited for', () => {
  test('not at a Consul that does not answer', async () => {
    const ended = await runLocker(['wait', '--once', '!kv:stop'], { address: 'http://127.0.0.1:1' })
    expect(ended).toMatchObject({ code: 3, stdout: '' })
  })
})

describe('a service is waited for', () => {
  test('until an instance is registered and passes: neither a critical nor a warning one will do', async () => {
    const service = uniqueName('db')
    const waiter = wait(`service:${service}`)
    await isMissing(waiter, /none is registered/)
    await register(service, 'critical')
    for (const state of ['critical', 'warning']) {
      await turns(service, state)
      const once = await runLocker(['wait', '--once', `service:${service}`])
      expect(once).toMatchObject({ code: 1, stderr: expect.stringContaining('none of 1 is healthy') })
    }
    expect(waiter.stdout).toBe('')
    await turns(service, 'passing')
    expect(await waiter.ends()).toMatchObject(ran)
  })

  test('with a tag, and in a number', async () => {
    const service = uniqueName('db')
    await register(service, 'passing', { id: `${service}-1` })
    const once = (gate: string) => runLocker(['wait', '--once', gate])
    expect(await once(`service:${service}`)).toMatchObject({ code: 0, stderr: '' })
    expect(await once(`service:master.${service}`)).toMatchObject({ code: 1 })
    expect(await once(`service:${service}=2`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`service:${service}=2 (1 of 2 are healthy)`),
    })
    const waiter = wait(`service:master.${service}`, `service:${service}=2`)
    await isMissing(waiter, /master/)
    await register(service, 'passing', { id: `${service}-2`, tags: ['master'] })
    expect(await waiter.ends()).toMatchObject(ran)
  })

  test('with blocking queries: an agent hears of a waiter only when something changes', async () => {
    // An agent of its own: at the others' the catalog moves with every test beside this one.
    const { address } = await ownAgent
    const consul = new ConsulClient(address)
    const proxy = await startProxy(address)
    const service = uniqueName('db')
    const key = uniqueName('key')
    const words = ['wait', `service:${service}`, `kv:${key}`, `kv:${key}=2`, '--', 'echo', 'ran']
    const waiter = startLocker(words, { address: proxy.address })
    const blocking = () => proxy.requests.filter((line) => line.includes('index=')).length
    await patiently(
      () => blocking() >= 3,
      () => `no blocking queries: ${proxy.requests}`,
    )
    await consul.request('PUT', '/agent/service/register', JSON.stringify({ Name: service }))
    await consul.request('PUT', `/kv/${key}`, '2')
    expect(await waiter.ends()).toMatchObject(ran)
    expect(proxy.requests.length).toBeLessThan(20)
  })
})

describe('a key is waited for', () => {
  test('until it is there and not empty', async () => {
    const key = uniqueName('key')
    const waiter = wait(`kv:${key}`)
    await isMissing(waiter, /there is no such key/)
    await put(key, '')
    const once = await runLocker(['wait', '--once', `kv:${key}`])
    expect(once).toMatchObject({ code: 1, stderr: expect.stringContaining('it is empty') })
    expect(waiter.stdout).toBe('')
    await put(key, 'x')
    expect(await waiter.ends()).toMatchObject(ran)
  })

  test('until it has a value, byte for byte', async () => {
    const key = uniqueName('key')
    await put(key, 'a=b\n')
    const once = await runLocker(['wait', '--once', `kv:${key}=a=b`])
    expect(once).toMatchObject({ code: 1, stderr: expect.stringContaining('it has blanks or a line break around it') })
    const waiter = wait(`kv:${key}=a=b`)
    await isMissing(waiter, /it has/)
    await put(key, 'a=b')
    expect(await waiter.ends()).toMatchObject(ran)
  })
})

describe('elsewhere', () => {
  test('a port is waited for until something takes connections there', async () => {
    const { http: port } = await freePorts()
    const waiter = wait(`tcp:127.0.0.1:${port}`)
    await isMissing(waiter, /connection refused/)
    await listening(
      createServer((socket) => socket.destroy()),
      port,
    )
    expect(await waiter.ends()).toMatchObject(ran)
  })

  test('a URL is waited for until it answers 2xx; a redirect will not do', async () => {
    let answer = (response: ServerResponse) => response.writeHead(302, { location: '/ready' }).end()
    const asked: (string | undefined)[] = []
    const port = await listening(
      createHttpServer((request, response) => {
        asked.push(request.url)
        answer(response)
      }),
    )
    const waiter = wait(`http://root:secret@127.0.0.1:${port}/health?x=1`)
    await isMissing(waiter, /it answers 302/)
    answer = (response) => response.writeHead(204).end()
    expect(await waiter.ends()).toMatchObject(ran)
    expect(new Set(asked)).toEqual(new Set(['/health?x=1']))
    expect(waiter.stderr).not.toContain('secret')
  })

  test('a name is waited for at the server that is told', async () => {
    const service = uniqueName('db')
    const agent = await ownAgent
    const at = `@127.0.0.1:${agent.ports.dns}`
    const waiter = startLocker(['wait', `dns:${service}.service.consul${at}`, 'dns:localhost', '--', 'echo', 'ran'])
    await isMissing(waiter, /the name is not known/)
    await new ConsulClient(agent.address).request(
      'PUT',
      '/agent/service/register',
      JSON.stringify({ Name: service, Port: 1 }),
    )
    expect(await waiter.ends()).toMatchObject(ran)
  })

  test('a file is waited for until it is there', async () => {
    const dir = scratch()
    const waiter = startLocker(['wait', 'file:made/of words', '--', 'echo', 'ran'], { cwd: dir })
    await isMissing(waiter, /it is not there/)
    writeFileSync(join(dir, 'made'), '')
    writeFileSync(join(dir, 'of words'), '')
    const another = startLocker(['wait', 'file:of words', '--', 'echo', 'ran'], { cwd: dir })
    expect(await another.ends()).toMatchObject(ran)
    waiter.kill('SIGTERM')
    expect(await waiter.ends()).toMatchObject({ code: 143, stdout: '' })
  })

  test('a command is waited for until it ends with 0, and what it writes is told', async () => {
    const dir = scratch()
    const waiter = startLocker(['wait', 'cmd:echo not yet >&2; test -e "$FLAG"', '--', 'echo', 'ran'], {
      env: { FLAG: join(dir, 'flag') },
    })
    await isMissing(waiter, /it ended with 1: not yet/)
    writeFileSync(join(dir, 'flag'), '')
    expect(await waiter.ends()).toMatchObject(ran)
  })
})

describe('several gates', () => {
  test('must be open at the same time', async () => {
    const [first, second] = [uniqueName('first'), uniqueName('second')]
    await put(first, '1')
    const waiter = wait(`kv:${first}`, `kv:${second}`)
    await isMissing(waiter, new RegExp(`${second} `))
    expect(waiter.stderr).not.toContain(`kv:${first} `)
    await client.deleteKey(first)
    await isMissing(waiter, new RegExp(`kv:${first} `))
    await put(second, '1')
    await put(first, '1')
    expect(await waiter.ends()).toMatchObject(ran)
  })

  test('of which one is enough with --any', async () => {
    const key = uniqueName('key')
    expect(await runLocker(['wait', '--any', `kv:${key}`, 'file:/', '--', 'echo', 'ran'])).toMatchObject(ran)
    const none = await runLocker(['wait', '--any', '--once', `kv:${key}`, 'file:/none'])
    expect(none).toMatchObject({ code: 1, stderr: expect.stringMatching(/kv:.*file:/) })
  })

  test('that do not open in time end in one sentence and exit code 1, and nothing is run', async () => {
    const { code, stdout, stderr } = await runLocker([
      'wait',
      '--timeout',
      '1.2s',
      'file:/',
      'file:/none',
      'kv:none/x',
      '--',
      'echo',
      'ran',
    ])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(
      'consul-locker: error: gave up after 1.2s: file:/none (it is not there), kv:none/x (there is no such key)',
    )
  })

  test('are looked at just once with --once, and --quiet tells the end alone', async () => {
    const { code, stdout, stderr } = await runLocker(['wait', '-q', '--once', 'file:/none', '--', 'echo', 'ran'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe('consul-locker: error: gave up: file:/none (it is not there)\n')
  })
})

describe('Consul itself', () => {
  test('may come later than who waits for what is in it', async () => {
    const ports = await freePorts()
    const address = `http://127.0.0.1:${ports.http}`
    const waiter = startLocker(['wait', 'service:consul', '--', 'echo', 'ran'], { address })
    await isMissing(waiter, /can't be reached/)
    const agent = await startConsul({ ports })
    onTestFinished(() => agent.stop())
    expect(await waiter.ends()).toMatchObject(ran)
  })

  test('is not needed for gates of another kind', async () => {
    expect(await runLocker(['wait', 'file:/'], { address: '127.0.0.1:9' })).toMatchObject({ code: 0, stderr: '' })
  })

  test('that can not be reached is exit code 3 for who looks once', async () => {
    const end = await runLocker(['wait', '--once', 'kv:x'], { address: '127.0.0.1:9' })
    expect(end).toMatchObject({ code: 3, stderr: expect.stringContaining("can't be reached") })
  })
})

describe('the command behind the gates', () => {
  test('gets input, arguments and environment as they are, and its exit code is ours', async () => {
    const script = 'read -r line; printf "%s|" "$line" "$@" "$X" >&1; exit 42'
    const words = ['wait', 'file:/', '--', 'sh', '-c', script, 'sh', '', ' a', '--once', '--']
    const end = await runLocker(words, { input: Buffer.from('typed\n'), env: { X: 'y' } })
    expect(end).toMatchObject({ code: 42, stdout: 'typed|| a|--once|--|y|', stderr: '' })
  })

  test('gets our signals, and its death by one is ours', async () => {
    const script = `trap 'echo usr1' USR1; echo ready; while :; do sleep 0.05; done`
    const waiter = startLocker(['wait', 'file:/', '--', 'sh', '-c', script])
    await waiter.prints(/ready/)
    waiter.kill('SIGUSR1')
    await waiter.prints(/usr1/)
    waiter.kill('SIGTERM')
    expect(await waiter.ends()).toMatchObject({ signal: 'SIGTERM' })
  })

  test('takes our place, with no signal ignored: who kills us has killed it', async () => {
    const look = 'grep -E "Sig(Ign|Blk)" /proc/self/status; cat /proc/self/coredump_filter'
    const script = `echo $$; ${look}; exec sleep 60`
    const waiter = startLocker(['wait', 'file:/', '--', 'sh', '-c', script])
    const cores = readFileSync('/proc/self/coredump_filter', 'utf8')
    await waiter.prints(new RegExp(`^${cores}`, 'm'))
    const none = '\t0000000000000000\n'
    expect(waiter.stdout).toBe(`${waiter.pid}\nSigBlk:${none}SigIgn:${none}${cores}`)
    waiter.kill('SIGKILL')
    expect(await waiter.ends()).toMatchObject({ signal: 'SIGKILL', stderr: '' })
  })

  test('that is a script without an interpreter is run by the shell, and one with a wrong one is told', async () => {
    const dir = scratch()
    writeFileSync(join(dir, 'plain'), 'echo "$@"', { mode: 0o755 })
    writeFileSync(join(dir, 'broken'), '#!/no/interpreter\n', { mode: 0o755 })
    expect(await runLocker(['wait', 'file:/', '--', './plain', 'a b'], { cwd: dir })).toMatchObject({
      code: 0,
      stdout: 'a b\n',
    })
    const broken = await runLocker(['wait', 'file:/', '--', './broken'], { cwd: dir })
    expect(broken).toMatchObject({ code: 127, stderr: expect.stringMatching(/^.*broken can't be started.*\n$/) })
  })

  test('that does not exist is told before anything is waited for', async () => {
    expect(await runLocker(['wait', 'file:/none', '--', 'no-such-command'])).toMatchObject({ code: 127 })
    expect(await runLocker(['wait', 'file:/none', '--', '/etc/passwd'])).toMatchObject({ code: 126 })
  })
})

test.for([
  [[], 'what is to be waited for?'],
  [['./start'], '"./start" is no gate'],
  [['file:/', './start'], '"./start" is no gate'],
  [['servise:db'], '"servise:db" is no gate'],
  [['file:/', '--'], 'no command stands behind the --'],
  [['file:/', '--timeout', 'soon'], '--timeout "soon" is not a duration'],
  [['file:/', '--interval', '0'], '--interval 0 is no pause'],
  [['file:/', '--gate', 'file:/'], 'there is no option --gate'],
] as const)('wait %j is refused in one sentence', async ([words, sentence]) => {
  const { code, stdout, stderr } = await runLocker(['wait', ...words])
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(sentence) })
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})

test("a run's own gates in the environment are not those of a wait, nor is its time to wait", async () => {
  const env = { CONSUL_LOCKER_GATE: 'file:/none', CONSUL_LOCKER_WAIT: '1s', CONSUL_LOCKER_TIMEOUT: 'soon' }
  expect(await runLocker(['wait', 'file:/'], { env })).toMatchObject({ code: 0 })
})

let ownAgent: Promise<ConsulAgent>

beforeAll(async () => {
  ownAgent = startConsul()
  await ownAgent
})

afterAll(async () => (await ownAgent).stop())
