import type { GreetingConnection } from './greeting-connection.ts'

/** CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH */
const CAPABILITIES = 0x0008_8200
const UTF8 = 33
const OK = 0x00
const ERROR = 0xff
const QUIT = Buffer.from([1])
const NOTHING = Buffer.alloc(0)

/**
 * Too many connections, a shutdown, this machine locked out or not let in: nobody is served just now, or nobody here.
 */
const NOT_NOW = [1040, 1053, 1129, 1130, 1203]

/** How often a server may ask for another proof of our identity. */
const MOST_ROUNDS = 5

/**
 * Logs in to MySQL or MariaDB as nobody, and is refused. To hang up after the server's greeting would do, too, but is
 * counted as an error, and after 100 of them (max_connect_errors) the server locks this machine out.
 * https://mariadb.com/kb/en/connection/
 */
export async function greetMysql(connection: GreetingConnection): Promise<string> {
  const greeting = await receive(connection)
  if (greeting.body[0] === ERROR) return `it answers: ${errorOf(greeting.body).message}`
  if (greeting.body[0] !== 10) return 'it speaks no MySQL'
  send(connection, greeting.sequence, login())
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const { sequence, body } = await receive(connection)
    if (body[0] === OK) {
      send(connection, -1, QUIT)
      return ''
    }
    if (body[0] === ERROR) {
      const { code, message } = errorOf(body)
      return NOT_NOW.includes(code) ? `it answers: ${message}` : ''
    }
    send(connection, sequence, NOTHING)
  }
  return 'it speaks no MySQL'
}

async function receive(connection: GreetingConnection): Promise<{ sequence: number; body: Buffer }> {
  const header = await connection.receive(4)
  return { sequence: header.readUInt8(3), body: await connection.receive(header.readUIntLE(0, 3)) }
}

function send(connection: GreetingConnection, after: number, body: Buffer): void {
  const header = Buffer.alloc(4)
  header.writeUIntLE(body.length, 0, 3)
  header.writeUInt8((after + 1) % 256, 3)
  connection.send(Buffer.concat([header, body]))
}

function login(): Buffer {
  const fixed = Buffer.alloc(32)
  fixed.writeUInt32LE(CAPABILITIES, 0)
  fixed.writeUInt32LE(2 ** 24, 4)
  fixed.writeUInt8(UTF8, 8)
  return Buffer.concat([fixed, Buffer.from('consul-locker\0\0mysql_native_password\0')])
}

/** Before the login an error has no SQL state. */
function errorOf(body: Buffer): { code: number; message: string } {
  const message = body.subarray(3).toString('utf8')
  return { code: body.length < 3 ? 0 : body.readUInt16LE(1), message: message.replace(/^#...../, '') }
}
