import { describe, expect, test } from 'vitest'
import { ReplyReader } from '../../../src/consul/reply-reader.ts'

const OK = 'HTTP/1.1 200 OK\r\n'

/** Reads a reply, all at once, in pieces of two bytes, and byte by byte; what came of it must always be the same. */
function read(bytes: string) {
  const [whole, ...others] = [bytes.length, 2, 1].map((size) => {
    const reader = new ReplyReader('here')
    let done = false
    for (let at = 0; at < bytes.length && !done; at += size) {
      done = reader.read(Buffer.from(bytes.slice(at, at + size), 'latin1'))
    }
    return { done, reader }
  })
  for (const other of others) expect(summary(other)).toEqual(summary(whole))
  return summary(whole)
}

function summary(read: { done: boolean; reader: ReplyReader } | undefined) {
  const { status, text } = read?.reader.reply ?? {}
  return { done: read?.done, status, text, keepsOpen: read?.reader.keepsOpen }
}

describe('a reply is whole', () => {
  test.each([
    ['with as many bytes as it says', `${OK}Content-Length: 4\r\n\r\ntrue`, 200, 'true'],
    ['at once when it says that there are none', `${OK}content-length:0\r\n\r\n`, 200, ''],
    [
      'after its last chunk',
      `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nyes\r\nA;x=1\r\n, 10 bytes\r\n0\r\n\r\n`,
      200,
      'yes, 10 bytes',
    ],
    [
      'after what follows its last chunk',
      `${OK}Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\nX-Y: z\r\n\r\n`,
      200,
      'ok',
    ],
    ['without a body where none may be', 'HTTP/1.1 204 No Content\r\nX: y\r\n\r\n', 204, ''],
    [
      'when the answer has come, not with what goes before it',
      `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 1\r\n\r\n1`,
      200,
      '1',
    ],
    ['though its status has no words', 'HTTP/1.1 500\r\nContent-Length: 2\r\n\r\nno', 500, 'no'],
    [
      'of an older server that keeps its connection',
      'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\n1',
      200,
      '1',
    ],
    ['with characters of several bytes', `${OK}Content-Length: 2\r\n\r\n\xc3\xa4`, 200, 'ä'],
  ])('%s', (_, bytes, status, text) => {
    expect(read(bytes)).toEqual({ done: true, status, text, keepsOpen: true })
  })
})

describe('a connection is of no use any more', () => {
  test.each([
    ['when the server says so', `${OK}Connection: close\r\nContent-Length: 1\r\n\r\n1`],
    ['when the server is old', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1'],
  ])('%s', (_, bytes) => {
    expect(read(bytes)).toEqual({ done: true, status: 200, text: '1', keepsOpen: false })
  })

  test('when more comes than was asked for', () => {
    const reader = new ReplyReader('here')
    expect(reader.read(Buffer.from(`${OK}Content-Length: 1\r\n\r\n1${OK}`))).toBe(true)
    expect([reader.reply.text, reader.keepsOpen]).toEqual(['1', false])
  })
})

test('a reply of no length ends with its connection, and no other does', () => {
  const endless = new ReplyReader('here')
  expect([endless.read(Buffer.from(`${OK}\r\nall that`)), endless.isWholeAtEnd]).toEqual([false, true])
  expect([endless.reply.text, endless.keepsOpen]).toEqual(['all that', false])
  const cut = new ReplyReader('here')
  expect([cut.read(Buffer.from(`${OK}Content-Length: 9\r\n\r\nall that`)), cut.isWholeAtEnd]).toEqual([false, false])
})

test('a server says for how long it keeps a connection, and is left some time before', () => {
  const kept = (header: string) => {
    const reader = new ReplyReader('here')
    reader.read(Buffer.from(`${OK}${header}Content-Length: 0\r\n\r\n`))
    return reader.keptMs
  }
  expect(['', 'Keep-Alive: timeout=5\r\n', 'Keep-Alive: max=100, timeout=60\r\n'].map(kept)).toEqual([
    Infinity,
    3000,
    58_000,
  ])
})

test('a body goes to who receives it, but not that of a refusal', () => {
  const receive = (bytes: string) => {
    const received: string[] = []
    const reader = new ReplyReader('here', (chunk) => void received.push(chunk.toString()))
    reader.read(Buffer.from(bytes))
    return [received.join(), reader.reply.text]
  }
  expect(receive(`${OK}Content-Length: 2\r\n\r\nok`)).toEqual(['ok', ''])
  expect(receive('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')).toEqual(['', 'no'])
})

test('the head’s names are in lower case, and its values without the space around them', () => {
  const reader = new ReplyReader('here')
  reader.read(Buffer.from(`${OK}X-Consul-Index:  12 \r\nVary: a\r\nVary: b\r\nContent-Length: 0\r\n\r\n`))
  expect(reader.reply.headers).toEqual({ 'x-consul-index': '12', vary: 'b', 'content-length': '0' })
})

describe('is no HTTP', () => {
  test.each([
    ['the greeting of another server', '220 mail ESMTP\r\n'],
    ['a greeting without an end', 'SSH-2.0-'],
    ['an alert of TLS', '\x15\x03\x01\x00\x02\x02\x46'],
    ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
    ['a status that is none', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a header without a name', `${OK}: x\r\n\r\n`],
    ['a line that is no header', `${OK}nothing\r\n\r\n`],
    ['a length that is none', `${OK}Content-Length: -1\r\n\r\n`],
    ['a coding that nobody asked for', `${OK}Transfer-Encoding: gzip\r\n\r\n`],
    ['a chunk without a size', `${OK}Transfer-Encoding: chunked\r\n\r\nx\r\n`],
    ['a chunk that is longer than it says', `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n`],
    ['a head without an end', `${OK}${'X: y\r\n'.repeat(4000)}`],
    ['a chunk’s size without an end', `${OK}Transfer-Encoding: chunked\r\n\r\n${'0'.repeat(20_000)}`],
  ])('%s', (_, bytes) => {
    expect(() => read(bytes)).toThrow('not Consul: no HTTP')
  })
})
