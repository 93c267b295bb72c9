import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../../scripts/provide/agent.ts'
import { afterTest } from '../../kit/after-test.ts'
import { crowd } from '../../kit/connection-crowd.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { SECRET, type ServedDashboard, secretOptions, startDashboard } from '../../kit/dashboard.ts'
import { patiently, runLocker, startLocker } from '../../kit/locker.ts'
import { uniqueName } from '../../kit/unique.ts'

let agent: ConsulAgent

beforeAll(async () => {
  agent = await startConsul()
})

afterAll(() => agent?.stop())

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Asks as a browser or anybody else might; `fetch` would not let us name another host. */
function ask(
  { url }: Pick<ServedDashboard, 'url'>,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url + path, { method, headers, signal: AbortSignal.timeout(20_000) }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** What a page is told, piece after piece. */
async function* news(url: string, cookie = ''): AsyncGenerator<Record<string, unknown>> {
  const controller = new AbortController()
  afterTest(() => controller.abort())
  const response = await fetch(`${url}/events`, { headers: { cookie }, signal: controller.signal })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString()
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    for (const event of events) if (event.startsWith('data: ')) yield JSON.parse(event.slice('data: '.length))
  }
}

interface Row {
  readonly key: string
  readonly holders: readonly { readonly session: string }[]
}

/** Reads news until one tells of a row that is so. */
async function rowThat(url: string, isSo: (row: Row) => boolean, cookie = ''): Promise<Row> {
  for await (const { rows } of news(url, cookie)) {
    const found = ((rows ?? []) as Row[]).find(isSo)
    if (found) return found
  }
  throw new Error('the news have ended')
}

async function signIn(dashboard: ServedDashboard): Promise<string> {
  const body = `secret=${SECRET}`
  const { status, headers } = await ask(dashboard, 'POST', '/sign-in', { origin: dashboard.url }, body)
  expect(status).toBe(303)
  return String(headers['set-cookie']).split(';')[0] ?? ''
}

describe('a dashboard', () => {
  test('answers with a page that loads nothing from elsewhere, and runs nothing that stands in it', async () => {
    const dashboard = await startDashboard(agent.address)
    for (const path of ['/', '/page.js', '/page.css', '/nothing']) {
      const { headers } = await ask(dashboard, 'GET', path)
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /)
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' })
    }
    const { text } = await ask(dashboard, 'GET', '/')
    expect(text.replace(/href="data:[^"]*"/, '')).not.toMatch(
      /<script(?![^>]* src="\/page\.js")|<style|\sstyle=|\son\w+=|\/\/[a-z]+\.[a-z]/i,
    )
    const script = (await ask(dashboard, 'GET', '/page.js')).text
    expect(
      [...script.matchAll(/https?:\/\/[^"'`\s)]+/g)].filter(([url]) => !url.startsWith('http://www.w3.org/')),
    ).toEqual([])
  })

  test('answers to addresses, localhost, the machine’s name and those that it was given, and to no other name', async () => {
    const dashboard = await startDashboard(agent.address, ['--allow-host', 'locks.example.com'])
    const statusFor = async (host: string) => (await ask(dashboard, 'GET', '/', { host })).status
    for (const host of ['127.0.0.1:1', 'localhost:99', '[::1]', hostname(), 'locks.example.com']) {
      expect([host, await statusFor(host)]).toEqual([host, 200])
    }
    for (const host of ['evil.example', 'evil.example:8520', 'locks.example.com.evil.example', 'x@localhost']) {
      expect([host, await statusFor(host)]).toEqual([host, 421])
    }
    expect((await ask(dashboard, 'GET', '/events', { host: 'evil.example' })).status).toBe(421)
  })

  test('gives nothing to pages of other sites', async () => {
    const dashboard = await startDashboard(agent.address)
    const cross = { 'sec-fetch-site': 'cross-site' }
    expect((await ask(dashboard, 'GET', '/events', cross)).status).toBe(403)
    expect((await ask(dashboard, 'GET', '/', cross)).headers).toMatchObject({
      'cross-origin-resource-policy': 'same-origin',
      'x-frame-options': 'DENY',
    })
  })

  test('changes nothing unless it was allowed to', async () => {
    const dashboard = await startDashboard(agent.address)
    const json = { origin: dashboard.url, 'content-type': 'application/json', 'x-page-key': '' }
    expect(await ask(dashboard, 'POST', '/unlock', json, '{}')).toMatchObject({
      status: 403,
      text: expect.stringContaining('only looks'),
    })
    for (const method of ['PUT', 'DELETE', 'PATCH']) expect((await ask(dashboard, method, '/')).status).toBe(405)
  })

  test('shows what others wrote in pieces of JSON, and no token', async () => {
    const name = uniqueName('hostile')
    const client = new ConsulClient(agent.address)
    const session = await client.createSession({ Name: 'hostile' })
    const host = '</script><script>alert(1)</script>\u001b[31m'
    await client.acquire(`consul-locker-${name}`, session, JSON.stringify({ host, command: ['a\n\ndata: {}'] }))
    const token = 'b9a1c0de-0000-4000-8000-00000000feed'
    const dashboard = await startDashboard(agent.address, [], { CONSUL_HTTP_TOKEN: token, DEBUG: '1' })
    const row = await rowThat(dashboard.url, ({ key }) => key === `consul-locker-${name}`)
    expect(row.holders[0]).toMatchObject({
      host: '</script><script>alert(1)</script>\\u001b[31m',
      command: 'a\\n\\ndata: {}',
    })
    const texts = await Promise.all(['/', '/page.js', '/page.css'].map((path) => ask(dashboard, 'GET', path)))
    for (const { text, headers } of texts) expect(text + JSON.stringify(headers)).not.toContain(token)
    expect(dashboard.server.stderr).not.toContain(token)
  })

  test.each([
    [['--listen', '0.0.0.0:0'], /others can reach 0\.0\.0\.0:0, so a secret is needed/],
    [['--allow-unlock'], /every user of this machine could unlock, so a secret is needed/],
    [['--allow-host', 'https://a'], /--allow-host "https:\/\/a" is no host's name/],
    [['--secret-file', '/nowhere'], /the secret file \/nowhere can't be read: no such file or directory/],
    [['--listen', 'nowhere'], /is no address to listen at/],
    [['backup'], /backup/],
  ])('does not start with %j', async (args, sentence) => {
    const { code, stderr, stdout } = await runLocker(['dashboard', ...args], { address: agent.address })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(sentence)
  })

  test.each([
    ['127.0.0.1:', '--listen names another address'],
    ['192.0.2.1:', 'is that one of this machine?'],
  ])('says why it can’t listen at %s, and ends with 1', async (host, hint) => {
    const { url } = await startDashboard(agent.address)
    const words = ['--listen', `${host}${new URL(url).port}`, ...secretOptions()]
    const ended = await runLocker(['dashboard', ...words], { address: agent.address })
    expect(ended).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/can't listen at .*: address .*/),
    })
    expect(ended.stderr).toContain(`(${hint})`)
  })

  test('ends at once with 0 when it is told to, though pages are open', async () => {
    const dashboard = await startDashboard(agent.address)
    await news(dashboard.url).next()
    dashboard.server.kill('SIGTERM')
    expect((await dashboard.server.ends()).code).toBe(0)
  })
})

describe('a dashboard with a secret', () => {
  test('tells nothing before somebody has signed in, and lets go of who signs out', async () => {
    const dashboard = await startDashboard(agent.address, secretOptions())
    expect(await ask(dashboard, 'GET', '/')).toMatchObject({ status: 303, headers: { location: '/sign-in' } })
    expect((await ask(dashboard, 'GET', '/events')).status).toBe(401)
    const origin = dashboard.url
    const wrong = await ask(dashboard, 'POST', '/sign-in', { origin }, 'secret=wrong')
    expect([wrong.status, wrong.headers['set-cookie']]).toEqual([403, undefined])
    expect((await ask(dashboard, 'POST', '/sign-in', { origin }, 'x'.repeat(5000))).status).toBe(403)
    const cookie = await signIn(dashboard)
    expect((await ask(dashboard, 'GET', '/', { cookie })).status).toBe(200)
    expect((await news(dashboard.url, cookie).next()).value).toMatchObject({
      hello: { isSignedIn: true, mayUnlock: false },
    })
    const left = await ask(dashboard, 'POST', '/sign-out', { cookie, origin })
    expect(String(left.headers['set-cookie'])).toMatch(/Max-Age=0/)
    expect(dashboard.server.stderr).toContain('gave a wrong secret')
    expect(dashboard.server.stderr).not.toContain(SECRET)
    expect(dashboard.server.stderr).not.toContain('wrong\n')
  })

  test('takes no form of another site', async () => {
    const dashboard = await startDashboard(agent.address, secretOptions())
    for (const headers of [{ origin: 'http://evil.example' }, { origin: 'null' }, {}] as Record<string, string>[]) {
      expect((await ask(dashboard, 'POST', '/sign-in', headers, `secret=${SECRET}`)).status).toBe(403)
    }
  })

  test('unlocks what was shown, for who signed in, from its own page, and nothing else', async () => {
    const name = uniqueName('unlock')
    const holder = startLocker([name, 'sleep', '600'], { address: agent.address })
    const dashboard = await startDashboard(agent.address, [...secretOptions(), '--allow-unlock'])
    const cookie = await signIn(dashboard)
    const { value } = await news(dashboard.url, cookie).next()
    const { pageKey } = (value as { hello: { pageKey: string } }).hello
    const key = `consul-locker-${name}`
    const row = await rowThat(dashboard.url, (row) => row.key === key && row.holders.length > 0, cookie)
    const [{ session } = { session: '' }] = row.holders
    const origin = dashboard.url
    const full: Record<string, string> = { cookie, origin, 'x-page-key': pageKey, 'content-type': 'application/json' }
    const body = JSON.stringify({ key, session, others: [] })
    const statusOf = async (headers: Record<string, string>, text = body) =>
      (await ask(dashboard, 'POST', '/unlock', headers, text)).status
    const without = (header: string) => Object.fromEntries(Object.entries(full).filter(([name]) => name !== header))
    expect(await statusOf(without('cookie'))).toBe(401)
    expect(await statusOf(without('x-page-key'))).toBe(403)
    expect(await statusOf(without('origin'))).toBe(403)
    expect(await statusOf({ ...full, origin: 'http://evil.example' })).toBe(403)
    expect(await statusOf({ ...full, cookie: await signIn(dashboard) })).toBe(403)
    expect(await statusOf(full, 'nonsense')).toBe(400)
    expect(
      await statusOf(full, JSON.stringify({ key, session: '00000000-0000-4000-8000-000000000000', others: [] })),
    ).toBe(409)
    expect(await statusOf(full, JSON.stringify({ key: 'consul-locker-other', session, others: [] }))).toBe(409)
    expect(holder.hasEnded).toBe(false)
    expect(await ask(dashboard, 'POST', '/unlock', full, body)).toMatchObject({ status: 200 })
    expect((await holder.ends()).code).toBe(6)
    expect(dashboard.server.stderr).toMatch(
      new RegExp(`unlocked "${name}": ended the session ${session} on \\S+, as somebody`),
    )
  })
})

describe('a dashboard among strangers', () => {
  test('goes on for a page while another user holds a thousand connections', async () => {
    const dashboard = await startDashboard(agent.address)
    await crowd(new URL(dashboard.url).host, 1000)
    expect((await news(dashboard.url).next()).value).toMatchObject({ hello: {} })
    for (let n = 0; n < 20; n++) expect((await ask(dashboard, 'GET', '/')).status).toBe(200)
  })

  test('lets the oldest streams go when one peer holds too many', async () => {
    const dashboard = await startDashboard(agent.address)
    const port = Number(new URL(dashboard.url).port)
    const sockets = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'))
    afterTest(() => {
      for (const socket of sockets) socket.destroy()
    })
    for (const socket of sockets) socket.on('error', () => {}).write('GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n')
    for (const socket of sockets) socket.resume()
    await patiently(
      () => sockets.filter(({ closed }) => closed).length >= 200 - 128,
      () => 'all streams are still held',
    )
    expect((await news(dashboard.url).next()).value).toMatchObject({ hello: {} })
  })

  test('goes on for others while a page reads nothing', async () => {
    const dashboard = await startDashboard(agent.address)
    const socket = connect(Number(new URL(dashboard.url).port), '127.0.0.1').pause()
    afterTest(() => socket.destroy())
    await once(socket, 'connect')
    socket.write('GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n')
    // Another page hears of all that the one that doesn't read is told, too.
    const client = new ConsulClient(agent.address)
    const name = uniqueName('busy')
    for (let n = 0; n < 20; n++) {
      await client.request('PUT', `/kv/consul-locker-${name}%3Druns`, JSON.stringify({ runs: [runOf(`host-${n}`)] }))
      await rowThat(dashboard.url, ({ key }) => key === `consul-locker-${name}`)
    }
    expect((await ask(dashboard, 'GET', '/')).status).toBe(200)
  })
})

function runOf(host: string) {
  const start = new Date().toISOString()
  return { runId: host, host, user: 'root', command: './run', start, ranMs: 5, code: 0 }
}
