import { MAX_REPLY_BYTES, notConsul, tooLarge } from './reply-failure.ts'
import type { WireReply } from './wire.ts'

/** Consul's heads are far shorter, and so are the lines between the pieces of its bodies. */
const MAX_HEAD_BYTES = 16 * 1024

/** A server that says how long it waits for another request may have its watch on another clock. */
const MARGIN_MS = 2000

/**
 * What comes next: the head; the body, of a length that was told, in chunks, or until the connection ends; or nothing.
 */
type Part = 'head' | 'body' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' | 'rest' | 'nothing'

/** Reads one reply of HTTP/1.1, in whatever pieces it comes; https://www.rfc-editor.org/rfc/rfc9112 */
export class ReplyReader {
  readonly #address: string
  readonly #receive: ((chunk: Buffer) => void) | undefined
  #next: Part = 'head'
  /** The beginning of a head or a line whose end hasn't come yet. */
  #begun: Buffer | undefined
  /** How much of the body or the chunk is still to come. */
  #leftBytes = 0
  #size = 0
  readonly #body: Buffer[] = []
  #status = 0
  #headers: Record<string, string> = {}
  #keepsOpen = false

  /** `receive` gets the body of a reply with 200, which has no text then. */
  constructor(address: string, receive?: (chunk: Buffer) => void) {
    this.#address = address
    this.#receive = receive
  }

  /** What was read. */
  get reply(): WireReply {
    return { status: this.#status, headers: this.#headers, text: Buffer.concat(this.#body).toString('utf8') }
  }

  /** Whether the connection may be asked again. */
  get keepsOpen(): boolean {
    return this.#keepsOpen
  }

  /** For how long after the reply, in milliseconds, if the server says so. */
  get keptMs(): number {
    const [, seconds] = /(?:^|[ ,;])timeout=(\d+)/i.exec(this.#headers['keep-alive'] ?? '') ?? []
    return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1000 - MARGIN_MS
  }

  /** Whether the end of the connection is the end of the reply, and not a break. */
  get isWholeAtEnd(): boolean {
    return this.#next === 'rest'
  }

  /**
   * Whether the reply is whole with this piece, whose memory is the caller's again afterwards. Throws a `not-consul`
   * failure for what is no HTTP, a `too-large` one, or what `receive` throws.
   */
  read(piece: Buffer): boolean {
    const bytes = this.#begun ? Buffer.concat([this.#begun, piece]) : piece
    this.#begun = undefined
    let at = 0
    while (at < bytes.length && this.#next !== 'nothing') {
      const end = this.#readPart(bytes, at)
      if (end === undefined) {
        this.#begun = Buffer.from(bytes.subarray(at))
        if (this.#begun.length > MAX_HEAD_BYTES) throw this.#noHttp()
        break
      }
      at = end
    }
    // More than we have asked for: nobody knows what it answers.
    if (this.#next === 'nothing' && at < bytes.length) this.#keepsOpen = false
    return this.#next === 'nothing'
  }

  /** Where the part ends that begins here; `undefined` when its end hasn't come yet. */
  #readPart(bytes: Buffer, at: number): number | undefined {
    if (this.#next === 'rest') return at + this.#take(bytes.subarray(at))
    if (this.#next === 'body' || this.#next === 'chunk') {
      const taken = this.#take(bytes.subarray(at, at + this.#leftBytes))
      this.#leftBytes -= taken
      if (this.#leftBytes === 0) this.#next = this.#next === 'body' ? 'nothing' : 'chunk-end'
      return at + taken
    }
    const mark = this.#next === 'head' ? '\r\n\r\n' : '\r\n'
    const end = bytes.indexOf(mark, at)
    // What is no HTTP may never end its line.
    if (this.#next === 'head' && !'HTTP/1.'.startsWith(bytes.toString('latin1', at, at + 7))) throw this.#noHttp()
    if (end === -1) return undefined
    const text = bytes.toString('latin1', at, end)
    if (this.#next === 'head') this.#readHead(text)
    else this.#readLine(text)
    return end + mark.length
  }

  #readHead(head: string): void {
    const [first = '', ...lines] = head.split('\r\n')
    const [, minor, status] = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/.exec(first) ?? []
    if (status === undefined) throw this.#noHttp()
    this.#status = Number(status)
    // The answer is yet to come.
    if (this.#status < 200) return
    for (const line of lines) {
      const colon = line.indexOf(':')
      if (colon < 1) throw this.#noHttp()
      this.#headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
    }
    const { connection = '' } = this.#headers
    this.#keepsOpen = minor === '1' ? !/\bclose\b/i.test(connection) : /\bkeep-alive\b/i.test(connection)
    this.#next = this.#bodyOf(this.#headers)
  }

  #bodyOf(headers: Readonly<Record<string, string>>): Part {
    const { 'transfer-encoding': coding, 'content-length': length } = headers
    if (this.#status === 204 || this.#status === 304) return 'nothing'
    if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked') throw this.#noHttp()
      return 'chunk-size'
    }
    if (length === undefined) {
      this.#keepsOpen = false
      return 'rest'
    }
    if (!/^\d{1,15}$/.test(length)) throw this.#noHttp()
    this.#leftBytes = Number(length)
    return this.#leftBytes === 0 ? 'nothing' : 'body'
  }

  #readLine(line: string): void {
    if (this.#next === 'chunk-size') {
      const [, size] = /^([\da-f]{1,8})[ \t]*(?:;.*)?$/i.exec(line) ?? []
      if (size === undefined) throw this.#noHttp()
      this.#leftBytes = Number.parseInt(size, 16)
      this.#next = this.#leftBytes === 0 ? 'trailer' : 'chunk'
    } else if (this.#next === 'chunk-end') {
      if (line !== '') throw this.#noHttp()
      this.#next = 'chunk-size'
    } else if (line === '') {
      this.#next = 'nothing'
    }
  }

  /** How much that was. */
  #take(piece: Buffer): number {
    const own = Buffer.from(piece)
    if (this.#receive && this.#status === 200) {
      this.#receive(own)
      return own.length
    }
    this.#size += own.length
    if (this.#size > MAX_REPLY_BYTES) throw tooLarge(this.#address)
    this.#body.push(own)
    return own.length
  }

  #noHttp(): Error {
    return notConsul(this.#address, 'no HTTP')
  }
}
