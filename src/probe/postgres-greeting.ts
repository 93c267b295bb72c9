import type { GreetingConnection } from './greeting-connection.ts'

/** Protocol 3.0, and a user, without whom there is no answer. */
const STARTUP = packet('\0\x03\0\0user\0consul-locker\0\0')
const TERMINATE = Buffer.from('X\0\0\0\x04', 'latin1')

/** It shuts down, crashed, starts up (57P01 to 57P03), or has no room left (class 53). */
const NOT_NOW = /^(57P0[123]|53...)$/

/**
 * Begins a session of PostgreSQL. As for `pg_isready` any answer will do, for the user is nobody, unless it says that
 * nobody is served just now. https://www.postgresql.org/docs/current/protocol-flow.html
 */
export async function greetPostgres(connection: GreetingConnection): Promise<string> {
  connection.send(STARTUP)
  const type = (await connection.receive(1)).toString('latin1')
  if (type !== 'R' && type !== 'E') return 'it speaks no PostgreSQL'
  const body = await connection.receive(Math.max(0, (await connection.receive(4)).readInt32BE() - 4))
  connection.send(TERMINATE)
  if (type === 'R') return ''
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .map((field) => [field[0], field.slice(1)]),
  )
  return NOT_NOW.test(fields.get('C') ?? '') ? `it answers: ${fields.get('M')}` : ''
}

function packet(text: string): Buffer {
  const body = Buffer.from(text, 'latin1')
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([length, body])
}
