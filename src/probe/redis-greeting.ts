import type { GreetingConnection } from './greeting-connection.ts'

const PING = Buffer.from('*1\r\n$4\r\nPING\r\n')
const LONGEST_LINE = 1000

/** It serves, but wants a password first, or not everybody; `operation not permitted` is that before 2.8. */
const SERVES = /^(\+PONG|-NOAUTH |-NOPERM |-ERR operation not permitted)/

/** Pings a Redis. https://redis.io/docs/latest/develop/reference/protocol-spec/ */
export async function greetRedis(connection: GreetingConnection): Promise<string> {
  connection.send(PING)
  let line = ''
  while (!line.endsWith('\r\n') && line.length < LONGEST_LINE) line += (await connection.receive(1)).toString('latin1')
  if (!/^[+-]/.test(line)) return 'it speaks no Redis'
  return SERVES.test(line) ? '' : `it answers: ${line.slice(1).trim()}`
}
