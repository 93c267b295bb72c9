import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { Context } from '../../../src/base/context.ts'
import { portHealth, urlHealth } from '../../../src/leader/application/health-probes.ts'
import { probeCommand } from '../../../src/probe/command-probe.ts'
import { probeDatabase } from '../../../src/probe/database-probe.ts'
import { connectFailure } from '../../../src/probe/probe-result.ts'

const LONG_MS = 20_000
const log = { debugging: false, mark() {}, debug() {}, notice() {}, warn() {}, error() {} }
const under = (signal: AbortSignal): Context => ({ clock: systemClock, log, signal, random: Math.random })
const ctx = under(new AbortController().signal)

/** The address of a web server that lives as long as the test. */
async function serve(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => answer(response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('an application that is asked by URL', () => {
  const ask = async (answer: (response: ServerResponse) => void, timeoutMs = LONG_MS) => {
    const url = `http://${await serve(answer)}/`
    const { healthy, message } = await urlHealth(ctx, url, timeoutMs)
    return [healthy, message.replace(url, 'URL')]
  }

  test('says itself how it is', async () => {
    expect(await ask((response) => response.end(' 3 shards\n'))).toEqual([true, '3 shards'])
    expect(await ask((response) => response.writeHead(503).end('starting'))).toEqual([false, 'starting'])
  })

  test('and says nothing is reported by its status', async () => {
    expect(await ask((response) => response.writeHead(204).end())).toEqual([true, 'URL: it answers 204'])
    expect(await ask((response) => response.writeHead(500).end())).toEqual([false, 'URL: it answers 500'])
  })

  test('may say more than anybody reads: the beginning is enough', async () => {
    const [healthy, message] = await ask((response) => {
      response.on('error', () => {})
      response.write('x'.repeat(100_000))
    })
    expect([healthy, String(message).length]).toEqual([true, 4096])
  })

  test('and breaks off, or keeps silent, is not healthy', async () => {
    const broken = await ask((response) =>
      response.writeHead(200, { 'content-length': 9 }).write('x', () => response.destroy()),
    )
    expect(broken).toEqual([false, expect.stringMatching(/^URL: (aborted|connection reset)$/)])
    expect(await ask(() => {}, 50)).toEqual([false, 'URL: no answer within 50ms'])
  })

  test('is reported as not healthy when the look is interrupted, or the URL is none', async () => {
    const stop = new AbortController()
    const address = await serve(() => stop.abort(new Error('we end')))
    expect(await urlHealth(under(stop.signal), `http://${address}/`, LONG_MS)).toMatchObject({ healthy: false })
    expect(await urlHealth(ctx, 'http://a b/', LONG_MS)).toMatchObject({ healthy: false })
  })
})

test('a port is healthy when something takes connections there', async () => {
  const address = await serve(() => {})
  expect(await portHealth(ctx, address, LONG_MS)).toEqual({
    healthy: true,
    message: `${address}: it takes connections`,
  })
  expect(await portHealth(ctx, '127.0.0.1:1', LONG_MS)).toEqual({
    healthy: false,
    message: '127.0.0.1:1: connection refused',
    role: 'stopped',
  })
  expect(await portHealth(ctx, 'db', LONG_MS)).toEqual({ healthy: false, message: 'db: it is no address' })
})

describe('a database', () => {
  const mysqlError = (code: number, text: string) =>
    Buffer.concat([Buffer.from([text.length + 3, 0, 0, 0, 0xff, code & 0xff, code >> 8]), Buffer.from(text)])
  const postgresError = (code: string, text: string) => {
    const fields = Buffer.from(`SFATAL\0C${code}\0M${text}\0\0`)
    return Buffer.concat([Buffer.from([0x45, 0, 0, 0, fields.length + 4]), fields])
  }

  test.for([
    ['mysql', mysqlError(1040, 'Too many connections'), 'it answers: Too many connections'],
    ['mysql', mysqlError(1130, "Host 'x' is not allowed"), "it answers: Host 'x' is not allowed"],
    ['mysql', Buffer.from([1, 0, 0, 0, 9]), 'it speaks no MySQL'],
    ['mysql', Buffer.from([255, 255, 255, 0]), 'it speaks another protocol'],
    ['postgres', postgresError('53300', 'too many clients\x1b[2J already'), 'it answers: too many clients [2J already'],
    ['postgres', postgresError('57P03', 'starting up'), 'it answers: starting up'],
    ['postgres', postgresError('28000', 'no entry in pg_hba.conf'), ''],
    ['postgres', Buffer.from('E\x7f\xff\xff\xff', 'latin1'), 'it speaks another protocol'],
    ['postgres', Buffer.from('E\x80\0\0\0', 'latin1'), ''],
    ['redis', Buffer.from('-LOADING Redis is loading\r\n'), 'it answers: LOADING Redis is loading'],
    ['redis', Buffer.from('-DENIED protected mode\r\n'), 'it answers: DENIED protected mode'],
    ['redis', Buffer.from('-NOAUTH Authentication required.\r\n'), ''],
    ['redis', Buffer.alloc(2000, '+'), `it answers: ${'+'.repeat(107)}…`],
  ] as const)('%s is judged by what it answers: %j', async ([kind, answer, why]) => {
    const server = createTcpServer((socket) => socket.on('error', () => {}).end(answer))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void server.close())
    const at = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
    const found = await probeDatabase(ctx, kind, at, LONG_MS)
    expect(found).toMatchObject({ healthy: why === '', why: why || 'it serves' })
  })
})

describe('a command', () => {
  const run = (line: string) => probeCommand(ctx, line, process.env, LONG_MS)

  test('tells by its last line why it is not healthy, printable and short', async () => {
    expect(await run(`echo first; printf 'a\\033[31mb\\tc\\n'; exit 3`)).toMatchObject({
      healthy: false,
      why: 'it ended with 3: a [31mb c',
    })
    const { why } = await run(`head -c 1000 /dev/zero | tr '\\0' x; exit 1`)
    expect(why).toBe(`it ended with 1: ${'x'.repeat(119)}…`)
  })

  test('that writes ten megabytes has the end of it kept', async () => {
    const { healthy, output } = await run(`head -c 10000000 /dev/zero | tr '\\0' x; echo; echo end`)
    expect([healthy, output.length < 5000, output.endsWith('x\nend')]).toEqual([true, true, true])
  })

  test('that a signal kills is not healthy', async () => {
    expect(await run('kill -9 $$')).toMatchObject({ healthy: false, why: 'it ended with 137' })
  })
})

test.each([
  ['CERT_HAS_EXPIRED', 'certificate has expired', 'its certificate has expired'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'Hostname/IP does not match', 'its certificate is for another name'],
  ['HPE_INVALID_CONSTANT', 'Parse Error', 'it speaks no HTTP'],
  ['EADDRNOTAVAIL', 'connect EADDRNOTAVAIL', 'connect EADDRNOTAVAIL'],
  ['ESOMETHING', '', 'ESOMETHING'],
])('%s is told as a reason', (code, message, reason) => {
  expect(connectFailure(Object.assign(new Error(message), { code }))).toBe(reason)
})
