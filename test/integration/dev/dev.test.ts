import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ConsulClient } from '../../kit/consul-client.ts'
import { freePort, nowhere, serveDev } from '../../kit/dev-command.ts'
import { LOCKER, patiently, runLocker, startLocker } from '../../kit/locker.ts'
import { processesWith } from '../../kit/processes.ts'
import { scratch } from '../../kit/unique.ts'

describe('consul-locker dev', () => {
  test('says plainly what it is, on standard error, to who asks, and at its root', async () => {
    const { server, address, consul } = await serveDev()
    const said =
      /^consul-locker: a Consul to try things with, at http:\S+: one process, no cluster, no ACLs; all is gone/
    expect(server.stderr).toMatch(said)
    const self = (await (await consul.request('GET', '/agent/self')).json()) as { Meta: Record<string, string> }
    expect(self.Meta['consul-locker-dev']).toMatch(/^one process for trying things, tests and CI: no cluster/)
    expect(await (await fetch(address)).text()).toMatch(/^consul-locker dev at .*: one process/)
  })

  test('ends with 0 at INT and TERM, answers who waits, and needs no second one', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const { server, consul } = await serveDev()
      await consul.request('PUT', '/kv/a', 'v')
      const index = (await consul.entry('a'))?.ModifyIndex
      const waiting = consul.request('GET', `/kv/a?index=${index}&wait=60s`)
      await patiently(
        async () => (await consul.request('GET', '/status/leader')).ok,
        () => 'it does not answer',
      )
      server.kill(signal)
      expect((await waiting).status).toBe(200)
      expect(await server.ends()).toMatchObject({ code: 0, stdout: '' })
    }
  })

  test('at an address that is taken, or none of this machine’s, ends with 1 and a sentence', async () => {
    const { address } = await serveDev()
    const taken = new URL(address).host
    const one = await runLocker(['dev', '--listen', taken], nowhere)
    expect(one).toMatchObject({ code: 1, stdout: '' })
    expect(one.stderr).toBe(
      `consul-locker: error: can't listen at ${taken}: address already in use ` +
        '(a Consul may run there already; --listen names another address)\n',
    )
    const other = await runLocker(['dev', '--listen', '203.0.113.1:8500'], nowhere)
    expect(other).toMatchObject({ code: 1, stderr: expect.stringMatching(/can't listen at 203.0.113.1:8500: .*\n$/) })
    const none = await runLocker(['dev', '--listen', 'here'], nowhere)
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('is no address to listen at') })
  })

  test('where others reach it says that there are no ACLs', async () => {
    const server = startLocker(['dev', '--listen', '0.0.0.0:0'], nowhere)
    await server.says(/warn: whoever reaches 0.0.0.0:0 can read and change everything: there are no ACLs/)
    const [, address = ''] = await server.says(/ at (http:\/\/127\.0\.0\.1:\d+): /)
    expect((await fetch(`${address}/v1/status/leader`)).status).toBe(200)
  })

  test('says of what is not here that it is not, by a 501', async () => {
    const { consul } = await serveDev()
    const absent = ['event/list', 'query', 'connect/ca/roots', 'operator/raft/configuration', 'snapshot', 'config/x/y']
    for (const path of [...absent, 'agent/metrics', 'catalog/nodes?filter=Node==a', 'health/connect/x']) {
      const reply = await consul.request('GET', `/${path}`)
      expect([path, reply.status, await reply.text()]).toEqual([path, 501, expect.stringContaining('a real Consul')])
    }
    const script = { Name: 'a', Check: { Args: ['true'], Interval: '1s' } }
    const reply = await consul.request('PUT', '/agent/service/register', JSON.stringify(script))
    expect([reply.status, await reply.text()]).toEqual([501, expect.stringContaining('Args needs a real Consul')])
    const node = [{ Node: { Verb: 'set', Node: { Node: 'a' } } }]
    expect((await consul.request('PUT', '/txn', JSON.stringify(node))).status).toBe(501)
    expect((await consul.request('GET', '/acl/list')).status).toBe(401)
  })

  test('outlives what nobody should send', async () => {
    const { address, consul } = await serveDev()
    const { hostname: host, port } = new URL(address)
    const raw = async (bytes: string | Buffer) => {
      const socket = createConnection({ host, port: Number(port) })
      socket.on('error', () => {})
      socket.end(bytes)
      socket.resume()
      await once(socket, 'close')
    }
    await raw('nonsense\r\n\r\n')
    await raw('GET /v1/kv/%zz HTTP/1.1\r\nHost: a\r\n\r\n')
    await raw('PUT /v1/kv/a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
    await raw(Buffer.from('GET /v1/kv/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n', 'latin1'))
    const bodies = ['', 'null', '[]', '[null]', '7', '"x"', '{"KV":1}', '[{"KV":{"Verb":7}}]', '[{"KV":{"Index":1.5}}]', '{'] // biome-ignore format: one line
    const writes = ['txn', 'session/create', 'catalog/register', 'catalog/deregister', 'agent/service/register', 'agent/check/register', 'agent/check/update/x'] // biome-ignore format: one line
    for (const path of writes) {
      for (const body of bodies) {
        const { status } = await consul.request('PUT', `/${path}`, body)
        expect([path, body, status < 600 && status >= 200]).toEqual([path, body, true])
      }
    }
    const large = await consul.request('PUT', '/kv/large', 'x'.repeat(600_000))
    expect([large.status, await large.text()]).toEqual([
      413,
      expect.stringContaining('Request body(600000 bytes) too large'),
    ])
    expect((await fetch(`${address}/v1/kv/larger`, { method: 'PUT', body: 'x'.repeat(3_000_000) }).catch(() => ({ status: 413 }))).status).toBe(413) // biome-ignore format: one line
    expect((await fetch(`${address}/v1/kv//a//b`, { redirect: 'manual' })).headers.get('location')).toBe('/v1/kv/a/b')
    expect((await consul.request('GET', '/status/leader')).status).toBe(200)
  })
})

describe('with a command', () => {
  test('serves on a port of its own until that ends, and ends with its code', async () => {
    const script = `echo "$CONSUL_HTTP_ADDR"; '${LOCKER}' inner sh -c 'echo "$CONSUL_LOCKER_NAME"; exit 7'`
    const ended = await runLocker(['dev', '--', 'sh', '-c', script], nowhere)
    expect(ended).toMatchObject({ code: 7, stdout: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\ninner\n$/) })
    const address = ended.stdout.split('\n', 1)[0] ?? ''
    await expect(fetch(address)).rejects.toThrow()
  })

  test('leads it to no other Consul than this one', async () => {
    const env = {
      CONSUL_HTTP_TOKEN: 't',
      CONSUL_HTTP_SSL: 'true',
      CONSUL_NAMESPACE: 'n',
      CONSUL_LOCKER_HTTP_ADDR: 'x:1',
    }
    const ended = await runLocker(['dev', '--quiet', '--', 'sh', '-c', 'env | grep ^CONSUL_ | sort'], { env })
    expect(ended.stdout).toMatch(/^CONSUL_HTTP_ADDR=http:\S+\n(CONSUL_LOCKER_WAITED_\w+=1\n)?$/)
    expect(ended.stderr).toBe('')
  })

  test('gives it input, output and signals', async () => {
    const cat = await runLocker(['dev', '--', 'cat'], { ...nowhere, input: Buffer.from('hello') })
    expect(cat).toMatchObject({ code: 0, stdout: 'hello' })
    const running = startLocker(['dev', '--', 'sh', '-c', 'trap "echo got it; exit 5" TERM; echo ready; while :; do sleep 0.1; done'], nowhere) // biome-ignore format: one line
    await running.prints(/ready/)
    running.kill('SIGTERM')
    expect(await running.ends()).toMatchObject({ code: 5, stdout: 'ready\ngot it\n' })
  })

  test('that is not there serves nothing', async () => {
    const ended = await runLocker(['dev', '--', 'no-such-command'], nowhere)
    expect(ended).toMatchObject({ code: 127, stdout: '' })
    expect(await runLocker(['dev', '--'], nowhere)).toMatchObject({ code: 2 })
    expect(await runLocker(['dev', 'word'], nowhere)).toMatchObject({ code: 2 })
  })
})

describe('with a folder for its data', () => {
  test('begins after a restart where it ended: keys, sessions, locks, services, checks, indexes', async () => {
    const data = join(scratch(), 'new', 'folder')
    const one = await serveDev('--data', data)
    const session = await one.consul.createSession({ TTL: '60s', LockDelay: '0s' })
    expect(await one.consul.acquire('lock', session, 'mine')).toBe(true)
    const flags = '16210313421097356768'
    await one.consul.request('PUT', `/kv/flagged?flags=${flags}`, 'v')
    const service = { Name: 'web', Tags: ['a'], Check: { TTL: '1h', Status: 'passing' }, Meta: { x: 'y' } }
    await one.consul.request('PUT', '/agent/service/register', JSON.stringify(service))
    await one.consul.request('PUT', '/agent/check/pass/service:web')
    await one.consul.request('PUT', '/catalog/register', JSON.stringify({ Node: 'ext', Address: '10.0.0.9' }))
    const look = async (consul: ConsulClient) => {
      const paths = ['/kv/?recurse', '/session/list', '/catalog/nodes', '/agent/services', '/health/service/web']
      return Promise.all(paths.map(async (path) => (await consul.request('GET', path)).text()))
    }
    const before = await look(one.consul)
    expect(before[0]).toContain(flags)
    one.server.kill('SIGKILL')
    await one.server.ends()
    const two = await serveDev('--data', data)
    expect(await look(two.consul)).toEqual(before)
    expect(await two.consul.acquire('lock', await two.consul.createSession())).toBe(false)
    expect((await two.consul.request('PUT', `/session/renew/${session}`)).status).toBe(200)
    await two.consul.request('PUT', '/kv/later', 'v')
    const last = Math.max(...(JSON.parse(before[0] ?? '[]') as { ModifyIndex: number }[]).map((row) => row.ModifyIndex))
    expect((await two.consul.entry('later'))?.ModifyIndex).toBeGreaterThan(last)
    expect((await two.consul.request('PUT', '/agent/check/warn/service:web')).status).toBe(200)
  })

  test('that another one has, or with a file that is none of ours, is refused, and left alone', async () => {
    const data = scratch()
    await serveDev('--data', data)
    const second = await runLocker(['dev', '--listen', '127.0.0.1:0', '--data', data], nowhere)
    expect(second).toMatchObject({ code: 1, stderr: expect.stringMatching(/another consul-locker dev has .*\n$/) })
    for (const garbage of ['', '{', '{"consul":"consul-locker dev"}', '[]', '\0\0']) {
      const other = scratch()
      const file = join(other, 'consul.json')
      writeFileSync(file, garbage)
      const ended = await runLocker(['dev', '--listen', '127.0.0.1:0', '--data', other], nowhere)
      expect(ended).toMatchObject({ code: 1, stdout: '' })
      expect(ended.stderr).toBe(
        `consul-locker: error: ${file} is none of consul-locker dev's, or broken ` +
          '(nothing was changed; name another folder, or take that file away)\n',
      )
      expect(readFileSync(file, 'utf8')).toBe(garbage)
    }
    const inTheWay = join(scratch(), 'file')
    writeFileSync(inTheWay, '')
    const ended = await runLocker(['dev', '--listen', '127.0.0.1:0', '--data', inTheWay], nowhere)
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/can't be used: .*\n$/) })
  })

  test('that is full from the beginning is told of once, with a way out', async () => {
    const data = scratch()
    const mounted = `mount -t tmpfs -o size=4k none '${data}' && head -c 4096 /dev/zero >'${data}/full' && exec "$@"`
    const ended = await runLocker(['dev', '--listen', '127.0.0.1:0', '--data', data], {
      ...nowhere,
      through: ['unshare', '--mount', 'sh', '-c', mounted, 'sh'],
    })
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(
      /^[^\n]*error: what changed can't be kept in \S+: no space left on device \(make room there, or [^\n]*\n$/,
    )
  })

  test('that fills up refuses writes with why, and takes them when there is room again', async () => {
    const data = scratch()
    const { consul } = await serveDev('--data', data)
    expect((await consul.request('PUT', '/kv/a', 'v')).status).toBe(200)
    // A folder in the place of the file is as bad as a full disk, and root minds it, too.
    const file = join(data, 'consul.json')
    rmSync(file)
    mkdirSync(file)
    const reply = await consul.request('PUT', '/kv/a', 'other')
    expect([reply.status, await reply.text()]).toEqual([500, expect.stringMatching(/can't be kept in .*consul.json: /)])
    rmSync(file, { recursive: true })
    expect((await consul.request('PUT', '/kv/a', 'third')).status).toBe(200)
    expect(readFileSync(file, 'utf8')).toContain(Buffer.from('third').toString('base64'))
  })
})

describe('a run with --dev', () => {
  test('leaves a Consul that ends at a signal, though somebody has a session there', async () => {
    const address = `127.0.0.1:${await freePort()}`
    expect(await runLocker(['--dev', 'used', 'true'], { address })).toMatchObject({ code: 0 })
    await fetch(`http://${address}/v1/session/create`, { method: 'PUT', body: '{}' })
    const servers = () => processesWith(`:dev-server\0${address}`)
    expect(servers()).toHaveLength(1)
    for (const pid of servers()) process.kill(pid, 'SIGTERM')
    await expect.poll(servers).toEqual([])
  })

  test('that start at the same time share one', async () => {
    const options = { address: `127.0.0.1:${await freePort()}` }
    const runs = [1, 2, 3].map(() =>
      startLocker(['--dev', 'race', 'sh', '-c', 'echo in; sleep 0.2; echo out'], options),
    )
    const ends = await Promise.all(runs.map((run) => run.ends()))
    expect(ends.map(({ code, stdout }) => [code, stdout])).toEqual(Array(3).fill([0, 'in\nout\n']))
  })

  test('uses the Consul that listens, starts none for another machine, and tells of a stranger', async () => {
    const used = await runLocker(['--dev', 'used', 'true'])
    expect(used).toMatchObject({ code: 0, stderr: '' })
    for (const address of ['10.0.0.9:8500', 'https://127.0.0.1:8501', 'unix:///run/consul.sock']) {
      const ended = await runLocker(['--dev', 'a', 'true'], { address })
      expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('starts a Consul on this machine alone') })
    }
    const stranger = createServer((socket) => socket.on('error', () => {}).end('no HTTP\n'))
    await once(stranger.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void stranger.close())
    const { port } = stranger.address() as AddressInfo
    expect(await runLocker(['--dev', 'a', 'true'], { address: `127.0.0.1:${port}` })).toMatchObject({ code: 4 })
  })
})
