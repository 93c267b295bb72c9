import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'

/** What Redis answers: a status or string, a number, nothing, or a list of these. */
export type Reply = string | number | null | Reply[]

type Waiter = { readonly resolve: (reply: Reply) => void; readonly reject: (error: Error) => void }

/** A connection to a Redis; https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP 2). */
export class RedisClient {
  readonly #socket: Socket
  readonly #waiting: Waiter[] = []
  #received = ''

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay().setEncoding('utf8')
    socket.on('data', (text: string) => this.#take(text))
    socket.on('error', () => {})
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the connection is lost'))
    })
  }

  /** Connects within a second. */
  static async open(host: string, port: number): Promise<RedisClient> {
    const socket = createConnection({ host, port })
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(1000) })
    } catch (error) {
      socket.on('error', () => {}).destroy()
      throw error
    }
    return new RedisClient(socket)
  }

  /** Sends a command and resolves with its answer; rejects with Redis's own words when that is an error. */
  command(...words: (string | number)[]): Promise<Reply> {
    if (this.#socket.destroyed) return Promise.reject(new Error('the connection is lost'))
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    this.#waiting.push({ resolve, reject })
    const parts = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`)
    this.#socket.write(`*${words.length}\r\n${parts.join('')}`)
    return promise
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(text: string): void {
    this.#received += text
    for (;;) {
      const parsed = parse(this.#received, 0)
      if (!parsed) return
      this.#received = this.#received.slice(parsed.end)
      const waiter = this.#waiting.shift()
      if (parsed.reply instanceof Error) waiter?.reject(parsed.reply)
      else waiter?.resolve(parsed.reply)
    }
  }
}

interface Parsed {
  readonly reply: Reply | Error
  readonly end: number
}

/** One answer that begins at `at`; nothing when there is more to come. Strings are taken to be ASCII. */
function parse(text: string, at: number): Parsed | undefined {
  const stop = text.indexOf('\r\n', at)
  if (stop < 0) return undefined
  const [kind, line, end] = [text[at], text.slice(at + 1, stop), stop + 2]
  switch (kind) {
    case '+':
      return { reply: line, end }
    case '-':
      return { reply: new Error(line), end }
    case ':':
      return { reply: Number(line), end }
    case '$':
      return line === '-1' ? { reply: null, end } : string(text, end, Number(line))
    default:
      return list(text, end, Number(line))
  }
}

function string(text: string, at: number, length: number): Parsed | undefined {
  const end = at + length + 2
  return text.length < end ? undefined : { reply: text.slice(at, at + length), end }
}

function list(text: string, at: number, length: number): Parsed | undefined {
  const items: Reply[] = []
  let end = at
  for (let n = 0; n < length; n++) {
    const item = parse(text, end)
    if (!item) return undefined
    if (!(item.reply instanceof Error)) items.push(item.reply)
    end = item.end
  }
  return { reply: items, end }
}
