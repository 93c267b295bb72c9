import { connect } from 'node:net'
import { Dice } from '../virtual/dice.ts'

const JUNK = [
  '',
  ' ',
  '\0',
  '\x1b[2J',
  '\r\n',
  '%',
  '%00',
  '../',
  '"',
  '{',
  '[',
  ']',
  ',',
  'é',
  '\u{1f600}',
  '0',
  '-1',
  '1e999',
]
const SERVERS = [
  '10.0.0.1:8300',
  '[fd00::1]:1',
  '0.0.0.0:1',
  '[::]:1',
  '[::ffff:1.2.3.4]:1',
  '[fe80::1%lo]:1',
  '10.0.0.1',
]
const METHODS = [
  'GET',
  'HEAD',
  'PUT',
  'POST',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'CONNECT',
  'get',
  'PRI',
  'X',
] as const
const HEADERS = [
  'content-length: 5',
  'content-length: -1',
  'content-length: 99999999999999999999',
  'transfer-encoding: chunked',
  'transfer-encoding: gzip, chunked',
  'expect: 100-continue',
  'expect: the-impossible',
  'connection: upgrade\r\nupgrade: websocket',
  'connection: close',
  'authorization: Bearer x',
  'content-type: application/json; charset=utf-16',
  'accept-encoding: gzip',
] as const

function junk(dice: Dice): string {
  return Array.from({ length: dice.whole(0, 12) }, () => dice.pick(JUNK as [string])).join('')
}

function body(dice: Dice): string {
  const list = JSON.stringify(Array.from({ length: dice.whole(0, 20) }, () => dice.pick(SERVERS as [string])))
  if (dice.chance(0.4)) return list
  if (dice.chance(0.3)) return dice.pick(['[', '{"a":']).repeat(dice.whole(1, 5000))
  const at = dice.whole(0, list.length)
  return list.slice(0, at) + junk(dice) + list.slice(at + dice.whole(0, 3))
}

/** One request, as bytes: well formed for the greater part, and wrong in one or another way. */
function requestOf(dice: Dice, token: string): string {
  const path = dice.pick([`/${token}`, `/${token}`, `/${token}/`, '/new', '/', `/${'0'.repeat(32)}`, `/${junk(dice)}`])
  const content = dice.chance(0.7) ? body(dice) : ''
  const method = dice.chance(0.5) ? 'PUT' : dice.pick(METHODS)
  const lines = [`${method} ${path} HTTP/${dice.chance(0.95) ? '1.1' : junk(dice)}`, 'host: x']
  if (dice.chance(0.8)) lines.push(`content-length: ${Buffer.byteLength(content)}`)
  if (dice.chance(0.3)) lines.push(dice.pick(HEADERS))
  if (dice.chance(0.1)) lines.push(`x-${junk(dice)}: ${junk(dice).repeat(dice.whole(1, 2000))}`)
  return `${lines.join('\r\n')}\r\n\r\n${content}`
}

/** What the server at `address` answers to so many requests, the same for the same seed: all that is its own fault. */
export async function outcomes(
  address: string,
  token: string,
  { seed, requests }: { seed: number; requests: number },
): Promise<string[]> {
  const dice = new Dice(seed)
  const faults: string[] = []
  const one = async (request: string) => {
    const answered = await answerTo(address, request)
    if (/(^|\r\n)HTTP\/1\.1 5\d\d/.test(answered)) faults.push(`${JSON.stringify(request.slice(0, 300))}: ${answered}`)
  }
  const texts = Array.from({ length: requests }, () => requestOf(dice, token))
  const side = async () => {
    for (let text = texts.pop(); text !== undefined; text = texts.pop()) await one(text)
  }
  await Promise.all(Array.from({ length: 20 }, side))
  return faults
}

/** Sends these bytes, and then that there is no more; gives all that comes back until the connection ends. */
function answerTo(address: string, request: string): Promise<string> {
  const [host = '', port = ''] = address.split(':')
  return new Promise((resolve) => {
    let answered = ''
    const socket = connect(Number(port), host, () => socket.end(request))
    socket.setEncoding('latin1').on('data', (text) => {
      answered += text
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answered))
  })
}
