import { withBigFlags } from './kv.ts'

/** Consul takes no value of more than 512 kB, which is 700 kB here; more is noise. In bytes. */
const LONGEST = 1024 * 1024
/** A key has 512 characters at most, and so many brackets in it. */
const MOST_BRACKETS = 600

const [OPEN, CLOSE] = [0x7b, 0x7d]

/** Finds the objects of a JSON list of flat objects while it comes, in chunks that are cut anywhere. */
export class EntrySplitter {
  readonly #strange: (what: string) => unknown
  readonly #receive: (json: unknown) => void
  /** What has come of the list since the last whole object. */
  #rest: Buffer = Buffer.alloc(0)
  /** So far no bracket is the object's last one. */
  #searched = 0
  #brackets = 0
  #hasBegun = false

  /** `strange` makes what is thrown when it is no such list. Flags come as texts: see `withBigFlags`. */
  constructor(strange: (what: string) => unknown, receive: (json: unknown) => void) {
    this.#strange = strange
    this.#receive = receive
  }

  push(chunk: Buffer): void {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    if (!this.#hasBegun) {
      this.#hasBegun = true
      if (bytes[0] !== 0x5b) throw this.#strange('no entries of keys')
    }
    for (;;) {
      const close = bytes.indexOf(CLOSE, this.#searched)
      if (close < 0) break
      const json = this.#objectIn(bytes.subarray(0, close + 1))
      this.#searched = close + 1
      if (json === undefined) continue
      this.#receive(json)
      bytes = bytes.subarray(close + 1)
      this.#searched = 0
      this.#brackets = 0
    }
    this.#searched = bytes.length
    if (bytes.length > LONGEST) throw this.#strange('an entry that is too long')
    this.#rest = bytes
  }

  /** Throws unless the list was whole. */
  end(): void {
    if (!/^(?:\[|,)?\s*\]\s*$/.test(this.#rest.toString('latin1'))) throw this.#strange('half a list of keys')
  }

  /** The object that ends with these bytes; `undefined` when its last bracket stands in a text. */
  #objectIn(bytes: Buffer): unknown {
    const open = bytes.indexOf(OPEN)
    if (open < 0 || !/^[[,\s]*$/.test(bytes.toString('latin1', 0, open))) throw this.#strange('no entries of keys')
    try {
      return JSON.parse(withBigFlags({ text: bytes.toString('utf8', open) }).text)
    } catch {
      this.#brackets += 1
      if (this.#brackets > MOST_BRACKETS) throw this.#strange('no entries of keys')
      return undefined
    }
  }
}
