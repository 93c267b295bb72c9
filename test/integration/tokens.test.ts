import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { startSystemd } from '../kit/systemd.ts'
import { addresses, agent, answerOf, nodesOf, serveTokens } from '../kit/token-servers.ts'
import { scratch } from '../kit/unique.ts'

describe('a discovery token', () => {
  test('is made, published under, looked up, and resolved by DNS, as with the original', async () => {
    const { request } = await serveTokens()
    expect(await answerOf(request('GET', '/'))).toEqual({ status: 200, text: 'GET /new to get a new discovery token' })
    const { text: token } = await answerOf(request('GET', '/new'))
    expect(token).toMatch(/^[0-9a-f]{32}$/)
    const empty = await request('GET', `/${token}`)
    expect([empty.headers.get('content-type'), await empty.json()]).toEqual(['application/json', []])
    const put = request('PUT', `/${token}`, '["10.0.0.1:8300", "10.0.0.2:8300"]')
    expect(await answerOf(put)).toEqual({ status: 200, text: '' })
    expect(await (await request('GET', `/${token}`)).json()).toEqual(['10.0.0.1:8300', '10.0.0.2:8300'])
    expect(await nodesOf(token)).toEqual([`${token}-10.0.0.1`, `${token}-10.0.0.2`])
    expect(await addresses(token)).toEqual(['10.0.0.1', '10.0.0.2'])
  })

  test('keeps what others have published: a publication adds', async () => {
    const { request, token: make } = await serveTokens()
    const token = await make()
    await request('PUT', `/${token}`, '["10.0.0.1:8300"]')
    await request('POST', `/${token}/`, '["10.0.0.2:8300", "10.0.0.2:8301", "[FD00::1]:8300"]')
    const list = ['10.0.0.1:8300', '10.0.0.2:8300', '10.0.0.2:8301', '[fd00::1]:8300']
    expect(await (await request('GET', `/${token}`)).json()).toEqual(list)
    expect(await addresses(token)).toEqual(['10.0.0.1', '10.0.0.2'])
  })
})

describe('a server of tokens', () => {
  test('answers nonsense with one sentence, and goes on', async () => {
    const { request, token: make, server } = await serveTokens(['--rate-limit', '0'])
    const token = await make()
    const unknown = '0'.repeat(32)
    const many = JSON.stringify(Array.from({ length: 17 }, (_, n) => `10.0.0.${n}:1`))
    const cases: [string, string, string | undefined, number, RegExp][] = [
      ['PUT', `/${token}`, '{nope', 400, /^the body is not JSON, as in \["10.0.0.1:8300"\]\n$/],
      ['PUT', `/${token}`, '', 400, /^the body is not JSON/],
      ['PUT', `/${token}`, '{"a": 1}', 400, /^the body is not a JSON list/],
      ['PUT', `/${token}`, '["10.0.0.1"]', 400, /^"10.0.0.1" is no server, a machine's IP address and a port/],
      ['PUT', `/${token}`, '["db.example:8300"]', 400, /^"db.example:8300" is no server/],
      ['PUT', `/${token}`, '[{"ip": 1}]', 400, /is no server/],
      ['PUT', `/${token}`, '["10.0.0.1:99999"]', 400, /is no server/],
      ['PUT', `/${token}`, '["10.0.0.1:1", "0.0.0.0:8300"]', 400, /^"0.0.0.0:8300" is no server/],
      ['PUT', `/${token}`, '["[fe80::1%eth0]:1"]', 400, /is no server/],
      ['PUT', `/${token}`, many, 409, /^that would be 17 servers under one token; 16 are the most\n$/],
      ['PUT', `/${token}`, 'x'.repeat(1024 * 1024), 413, /^the body is larger than 4 KB\n$/],
      ['PUT', `/${unknown}`, '["10.0.0.1:8300"]', 404, /^there is no such token\n$/],
      ['GET', `/${unknown}`, undefined, 404, /^there is no such token\n$/],
      ['GET', '/favicon.ico', undefined, 404, /^there is no such token\n$/],
      ['GET', `/${token}/x`, undefined, 404, /^there is no such token\n$/],
      ['GET', '/..%2f..%2fkv', undefined, 404, /^there is no such token\n$/],
      ['PATCH', `/${token}`, '[]', 405, /^only GET, PUT, DELETE make sense here\n$/],
      ['DELETE', `/${token}`, undefined, 403, /^only a server with a shared secret lets tokens be deleted\n$/],
      ['PUT', '/new', '[]', 405, /^only GET make sense here\n$/],
    ]
    for (const [method, path, body, status, sentence] of cases) {
      const answer = await answerOf(request(method, path, body))
      expect([method, path, answer.status, answer.text]).toEqual([
        method,
        path,
        status,
        expect.stringMatching(sentence),
      ])
    }
    expect(await answerOf(request('GET', `/${token}`))).toEqual({ status: 200, text: '[]' })
    expect(server.stderr.trim().split('\n')).toHaveLength(1)
  })

  test('takes in what fifty publish under one token at once', async () => {
    const { request, token: make } = await serveTokens(['--rate-limit', '0'])
    const token = await make()
    const one = (n: number) => `10.0.0.${(n % 16) + 10}:8300`
    const puts = Array.from({ length: 50 }, (_, n) => request('PUT', `/${token}`, JSON.stringify([one(n)])))
    expect(new Set((await Promise.all(puts)).map(({ status }) => status))).toEqual(new Set([200]))
    expect(await (await request('GET', `/${token}`)).json()).toEqual(Array.from({ length: 16 }, (_, n) => one(n)))
    expect(await nodesOf(token)).toHaveLength(16)
    const more = await Promise.all(
      ['10.0.0.9:1', '10.0.0.10:8300'].map((server) => request('PUT', `/${token}`, JSON.stringify([server]))),
    )
    expect(more.map(({ status }) => status)).toEqual([409, 200])
  })

  test('goes on with a token in which a server stands that Consul does not take', async () => {
    const { request, token: make } = await serveTokens()
    const token = await make()
    const servers = { '0.0.0.0:8300': Date.now() + 60_000, '10.0.0.1:8300': Date.now() + 60_000 }
    await new ConsulClient(agent.address).request('PUT', `/kv/discovery/${token}`, JSON.stringify({ servers }))
    expect((await request('PUT', `/${token}`, '["10.0.0.2:8300"]')).status).toBe(200)
    expect(await (await request('GET', `/${token}`)).json()).toEqual(['10.0.0.1:8300', '10.0.0.2:8300'])
    expect(await nodesOf(token)).toHaveLength(2)
  })

  test('forgets a token that was not used for a week, and no other', async () => {
    const client = new ConsulClient(agent.address)
    const [old, young, older] = ['a', 'b', 'c'].map((digit) => digit.repeat(32)) as [string, string, string]
    const day = 24 * 3_600_000
    const put = (token: string, record: object) =>
      client.request('PUT', `/kv/discovery/${token}`, JSON.stringify(record))
    await put(young, { servers: {}, idleSince: Date.now() - 6 * day })
    // As they were before tokens were forgotten.
    await put(older, { servers: {} })
    await put(old, { servers: {}, idleSince: Date.now() - 8 * day })
    await serveTokens(['--expire', '1s'])
    const is = async () => (await client.entry(`discovery/${old}`)) === undefined
    await patiently(is, () => 'it is still there')
    expect(await client.entry(`discovery/${young}`)).toBeDefined()
    const noted = async () => JSON.parse(await client.value(`discovery/${older}`)).idleSince > Date.now() - day
    await patiently(noted, () => 'nobody notes since when it is unused')
  })

  test('lets those who know the shared secret delete a token', async () => {
    const file = join(scratch(), 'secret')
    writeFileSync(file, 'open-sesame')
    const { url, request } = await serveTokens(['--secret-file', file])
    const client = (...args: string[]) => runLocker(['discovery', ...args, '--url', url, '--secret-file', file])
    const token = (await client('new')).stdout.trim()
    await client('publish', token, '10.0.0.1:8300')
    expect((await request('DELETE', `/${token}`)).status).toBe(401)
    expect(await nodesOf(token)).toHaveLength(1)
    expect(await client('delete', token)).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await nodesOf(token)).toEqual([])
    expect(await client('lookup', token)).toMatchObject({ code: 1, stdout: '' })
    expect((await client('delete', token)).stderr).toContain(`error: there is no token ${token}`)
  })

  test('reads nothing of what strangers send before it knows them', async () => {
    const file = join(scratch(), 'secret')
    writeFileSync(file, 'open-sesame')
    const { request } = await serveTokens(['--secret-file', file])
    for (const body of ['{nope', 'x'.repeat(1024 * 1024)]) {
      expect((await request('PUT', `/${'0'.repeat(32)}`, body)).status).toBe(401)
    }
  })

  test('does nothing for those who do not know the shared secret', async () => {
    const file = join(scratch(), 'secret')
    writeFileSync(file, 'open-sesame\n')
    const { url, request } = await serveTokens(['--secret-file', file])
    expect((await request('GET', '/')).status).toBe(200)
    const refused = { status: 401, text: 'the shared secret is missing or wrong\n' }
    expect(await answerOf(request('GET', '/new'))).toEqual(refused)
    expect(await answerOf(request('GET', '/new', undefined, { authorization: 'Bearer open' }))).toEqual(refused)
    const { stdout: token } = await runLocker(['discovery', 'new', '--url', url, '--secret-file', file])
    expect(token).toMatch(/^[0-9a-f]{32}\n$/)
    const without = await runLocker(['discovery', 'lookup', '--url', url, token.trim()])
    expect(without).toMatchObject({ code: 3, stdout: '' })
    expect(without.stderr).toContain('answers 401: the shared secret is missing or wrong (give --secret-file)')
  })

  test('lets nobody ask without end', async () => {
    const { request } = await serveTokens(['--rate-limit', '1'])
    const answers = await Promise.all(Array.from({ length: 10 }, () => answerOf(request('GET', '/'))))
    expect(answers).toContainEqual({ status: 429, text: 'too many requests\n' })
    expect(answers[0]?.status).toBe(200)
  })

  test('tells systemd that it is ready, and ends with 0 when it is told to', async () => {
    const systemd = await startSystemd()
    const { server } = await serveTokens([], agent.address, systemd.environment)
    await systemd.hears(/READY=1 STATUS=serving at http:/)
    server.kill('SIGTERM')
    expect((await server.ends()).code).toBe(0)
  })

  test('that cannot listen says so', async () => {
    const { url } = await serveTokens()
    const { host } = new URL(url)
    const second = await runLocker(['discovery', 'serve', '--listen', host], { address: agent.address })
    expect(second.code).toBe(1)
    expect(second.stderr).toMatch(/error: can't listen at 127.0.0.1:\d+: address already in use \(--listen names/)
  })
})

describe('a client of tokens', () => {
  const client = (verb: string, url: string, ...args: string[]) =>
    runLocker(['discovery', verb, '--url', url, ...args], { address: agent.address })

  test('makes a token, publishes, and looks up', async () => {
    const { url } = await serveTokens()
    const token = (await client('new', url)).stdout.trim()
    expect(await client('lookup', url, token)).toMatchObject({ code: 1, stdout: '' })
    expect(await client('publish', url, token, '10.0.0.2:8300', '10.0.0.1:8300')).toMatchObject({ code: 0, stdout: '' })
    expect(await client('lookup', url, token)).toMatchObject({ code: 0, stdout: '10.0.0.1:8300\n10.0.0.2:8300\n' })
    const json = await client('lookup', url, token, '--json')
    expect(json).toMatchObject({ code: 0, stdout: '["10.0.0.1:8300","10.0.0.2:8300"]\n' })
  })

  test('publishes the servers of its own Consul when it is given none', async () => {
    const { url } = await serveTokens()
    const token = (await client('new', url)).stdout.trim()
    expect((await client('publish', url, token)).code).toBe(0)
    expect((await client('lookup', url, token)).stdout).toBe(`127.0.0.1:${agent.ports.server}\n`)
  })

  test('waits for the first server', async () => {
    const { url } = await serveTokens()
    const token = (await client('new', url)).stdout.trim()
    const waiting = startLocker(['discovery', 'lookup', '--url', url, '--wait', '60s', token])
    await waiting.says(/nothing was published under this token yet; waiting/)
    await client('publish', url, token, '10.0.0.1:8300')
    expect(await waiting.ends()).toMatchObject({ code: 0, stdout: '10.0.0.1:8300\n' })
  })

  test('is told that there is no such token, or no server of tokens', async () => {
    const { url } = await serveTokens()
    const unknown = await client('lookup', url, '0'.repeat(32))
    expect(unknown).toMatchObject({ code: 1, stdout: '' })
    expect(unknown.stderr).toContain(
      `error: there is no token ${'0'.repeat(32)} (consul-locker discovery new makes one)`,
    )
    const nobody = await client('new', 'http://127.0.0.1:1')
    expect(nobody.code).toBe(3)
    expect(nobody.stderr).toMatch(/error: the discovery server at http:\/\/127.0.0.1:1 fails: connection refused/)
    const another = await client('new', agent.address)
    expect(another.code).toBe(3)
    expect(another.stderr).toMatch(
      /error: the discovery server at .* answers \d+.* \(is --url right, and is that consul-locker discovery/,
    )
  })

  test.each([
    [[], 'discover what?'],
    [['new', '--url', 'http://a', '--wait', '5s'], 'discovery new takes no --wait'],
    [['serve', '--url', 'http://a'], 'discovery serve takes no --url'],
    [['find'], 'there is no discovery "find"'],
    [['new'], 'where are the tokens served? (give --url)'],
    [
      ['new', '--url', 'localhost'],
      '--url "localhost" is not the address of a web server (write it as http://127.0.0.1:8510 or https://…)',
    ],
    [['lookup', '--url', 'http://a'], 'no token was given'],
    [['lookup', '--url', 'http://a', 'x'], '"x" is no discovery token (32 hexadecimal digits)'],
    [['publish', '--url', 'http://a', '0'.repeat(32), 'x:1'], `"x:1" is no server (a machine's IP address and a port`],
    [['serve', '--listen', '8510'], '--listen "8510" is no address to listen at'],
    [
      ['serve', '--listen', '0.0.0.0:0'],
      'others can reach 0.0.0.0:0, so a shared secret is needed (give --secret-file',
    ],
    [['serve', '--expire', '0'], '--expire must be 1s or more'],
    [['serve', '--expire', '8d'], '--expire must be 1s or more, and 7d at most'],
    [
      ['serve', '--secret-file', '/nonexistent'],
      "the secret file /nonexistent can't be read: no such file or directory",
    ],
    [['serve', '--secret-file', '/dev/null'], 'the secret file /dev/null has no secret in it'],
    [['serve', '--rate-limit', 'x'], '--rate-limit "x" is no number from 0'],
  ])('is asked wrongly: %j', async (args, sentence) => {
    const ended = await runLocker(['discovery', ...args])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(`consul-locker: error: ${sentence}`)
  })
})
