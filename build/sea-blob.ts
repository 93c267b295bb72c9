/** How what Node injected begins; src/node_sea.cc has the rest of its form. */
const MAGIC = Buffer.from([0x20, 0xda, 0x43, 0x01])
const USES_SNAPSHOT = 1 << 1

/** Reads numbers and texts one after the other. */
export class BlobReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  get at(): number {
    return this.#at
  }

  number(size: 1 | 4 | 8): number {
    this.#at += size
    if (size === 8) return Number(this.#bytes.readBigUInt64LE(this.#at - size))
    return this.#bytes.readUIntLE(this.#at - size, size)
  }

  text(): Buffer {
    const length = this.number(8)
    if (this.#at + length > this.#bytes.length) throw new RangeError('a text is longer than what there is')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}

/** The start-up snapshot that Node injected into an executable, as a part of its buffer. */
export function snapshotIn(executable: Buffer): Buffer {
  // The table of segments stands behind the program, since something was injected.
  const programEnd = Number(executable.readBigUInt64LE(32))
  const reader = new BlobReader(executable, executable.indexOf(MAGIC, programEnd) + MAGIC.length)
  if ((reader.number(4) & USES_SNAPSHOT) === 0) throw new Error('the executable has no snapshot: see build/sea-blob.ts')
  reader.number(1) // Where more flags may come from.
  reader.number(1) // The script's kind.
  reader.text() // The script's name.
  return reader.text()
}
