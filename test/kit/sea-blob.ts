import { createHash } from 'node:crypto'

/** How what Node injected begins; src/node_sea.cc has the rest of its form. */
const MAGIC = Buffer.from([0x20, 0xda, 0x43, 0x01])
const USES_SNAPSHOT = 1 << 1

/** Reads numbers and texts one after the other. */
class Reader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  number(size: 1 | 4 | 8): number {
    this.#at += size
    if (size === 8) return Number(this.#bytes.readBigUInt64LE(this.#at - size))
    return this.#bytes.readUIntLE(this.#at - size, size)
  }

  text(): Buffer {
    const length = this.number(8)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.number(8) }, read)
  }
}

/** Sums of all parts of an executable but the snapshot: the program in front, and what lies beside the snapshot. */
export function partsBesideSnapshot(executable: Buffer): Record<string, string> {
  // The table of segments stands behind the program, since something was injected.
  const programEnd = Number(executable.readBigUInt64LE(32))
  const reader = new Reader(executable, executable.indexOf(MAGIC, programEnd) + MAGIC.length)
  const flags = reader.number(4)
  if ((flags & USES_SNAPSHOT) === 0) throw new Error('the executable has no snapshot')
  const kinds = [reader.number(1), reader.number(1)]
  reader.text() // The script's name.
  reader.text() // The snapshot.
  const assets = reader.list(() => [reader.text().toString(), sum(reader.text())])
  const argv = reader.list(() => reader.text().toString())
  const program = sum(executable.subarray(64, programEnd))
  return { ...Object.fromEntries(assets), program, settings: `${flags} ${kinds} ${argv.join(' ')}` }
}

function sum(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
