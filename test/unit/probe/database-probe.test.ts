import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { Context } from '../../../src/base/context.ts'
import { probeDatabase } from '../../../src/probe/database-probe.ts'
import { SILENT } from '../../virtual/silent-log.ts'

const LONG_MS = 20_000
const ctx: Context = {
  clock: systemClock,
  log: SILENT,
  signal: new AbortController().signal,
  random: Math.random,
}

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
