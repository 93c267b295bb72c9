/** Numbers of the ELF specification and its supplements for x86-64 and AArch64; see elf.h. */
const PT_LOAD = 1
const PT_DYNAMIC = 2
const PF_X = 1
const DT = { NULL: 0, NEEDED: 1, PLTRELSZ: 2, STRTAB: 5, SYMTAB: 6, JMPREL: 23, VERSYM: 0x6ffffff0 }
const VERNEED = 0x6ffffffe
const VERNEEDNUM = 0x6fffffff
const EM = { X86_64: 62, AARCH64: 183 }
/** A slot that holds an address in the program itself, by machine. */
const RELATIVE: Record<number, number> = { [EM.X86_64]: 8, [EM.AARCH64]: 1027 }

const SYMBOL_SIZE = 24
const RELOCATION_SIZE = 24
const DYNAMIC_SIZE = 16

interface Segment {
  /** Where its header stands. */
  readonly header: number
  readonly type: number
  readonly flags: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

/** A library that the program needs, with the versions of symbols that it wants of it. */
interface Need {
  readonly at: number
  readonly file: string
  readonly versions: readonly number[]
  readonly next: number
}

/** A program for 64 bits, least byte first, at fixed addresses, which is changed in place. */
export class Elf {
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    const isKnown = bytes.toString('latin1', 0, 6) === '\x7fELF\x02\x01' && RELATIVE[this.#machine] !== undefined
    // At an address of the loader's choice (ET_DYN) there are other relocations.
    if (!isKnown || bytes.readUInt16LE(16) !== 2) throw new Error('this is no ELF program of a known kind')
  }

  /** The names of the symbols that the program takes from a library, as far as they have a version. */
  symbolsOf(library: string): string[] {
    const versions = this.#needs().find(({ file }) => file === library)?.versions ?? []
    const names: string[] = []
    const [symbols, end, versyms] = [this.#table(DT.SYMTAB), this.#table(DT.STRTAB), this.#table(DT.VERSYM)]
    // The table of strings follows that of symbols, whose length stands nowhere.
    for (let at = symbols, index = 0; at + SYMBOL_SIZE <= end; at += SYMBOL_SIZE, index++)
      if (versions.includes(this.#bytes.readUInt16LE(versyms + 2 * index))) names.push(this.#nameOf(at))
    return names
  }

  /** Puts code into the unused rest of the code's last page, and returns its address. Throws when there is no room. */
  appendCode(code: Buffer): number {
    const segments = this.#segments().filter(({ type }) => type === PT_LOAD)
    const index = segments.findIndex(({ flags }) => flags & PF_X)
    const [text, following] = [segments[index], segments[index + 1]]
    if (!text || !following) throw new Error('the program’s code is not where it was expected')
    const size = Math.ceil(text.size / 16) * 16
    const at = text.offset + size
    const room = this.#bytes.subarray(text.offset + text.size, following.offset)
    if (at + code.length > following.offset || room.some((byte) => byte !== 0))
      throw new Error('there is no room behind the program’s code')
    code.copy(this.#bytes, at)
    for (const field of [32, 40]) this.#bytes.writeBigUInt64LE(BigInt(size + code.length), text.header + field)
    return text.address + size
  }

  /** Has calls of a function go to this address, instead of to what the loader finds by its name. */
  resolve(name: string, address: number): void {
    const start = this.#table(DT.JMPREL)
    const end = start + this.#entry(DT.PLTRELSZ).value
    const slots: number[] = []
    for (let at = start; at < end; at += RELOCATION_SIZE) {
      const symbol = this.#table(DT.SYMTAB) + SYMBOL_SIZE * this.#bytes.readUInt32LE(at + 12)
      if (this.#nameOf(symbol) === name) slots.push(at)
    }
    const [slot] = slots
    if (slot === undefined || slots.length > 1) throw new Error(`${name} is called in ${slots.length} ways, not in one`)
    this.#bytes.writeBigUInt64LE(BigInt(RELATIVE[this.#machine] ?? 0), slot + 8)
    this.#bytes.writeBigUInt64LE(BigInt(address), slot + 16)
  }

  /** Has the loader not look for a library. */
  forget(library: string): void {
    const needs = this.#needs()
    const index = needs.findIndex(({ file }) => file === library)
    const [before, need] = [needs[index - 1], needs[index]]
    const entries = this.#entries()
    const needed = entries.find(({ tag, value }) => tag === DT.NEEDED && this.#string(value) === library)
    if (!need || !needed) throw new Error(`the program doesn't need ${library}`)
    if (before) this.#bytes.writeUInt32LE(need.next === 0 ? 0 : need.at + need.next - before.at, before.at + 12)
    else this.#write(VERNEED, this.#entry(VERNEED).value + need.next)
    this.#write(VERNEEDNUM, needs.length - 1)
    this.#shrinkNeedsSection(before ? 0 : need.next)
    const end = entries.at(-1)?.at ?? needed.at
    this.#bytes.copyWithin(needed.at, needed.at + DYNAMIC_SIZE, end + DYNAMIC_SIZE)
  }

  /** The loader doesn't look at sections; package managers do, to see what a program needs. */
  #shrinkNeedsSection(cut: number): void {
    const bytes = this.#bytes
    const start = this.#number(40)
    for (let index = 0; index < bytes.readUInt16LE(60); index++) {
      const header = start + index * bytes.readUInt16LE(58)
      if (bytes.readUInt32LE(header + 4) !== VERNEED) continue
      for (const field of [16, 24]) bytes.writeBigUInt64LE(BigInt(this.#number(header + field) + cut), header + field)
      bytes.writeBigUInt64LE(BigInt(this.#number(header + 32) - cut), header + 32)
      bytes.writeUInt32LE(bytes.readUInt32LE(header + 44) - 1, header + 44)
    }
  }

  get #machine(): number {
    return this.#bytes.readUInt16LE(18)
  }

  #segments(): Segment[] {
    const bytes = this.#bytes
    const start = this.#number(32)
    return Array.from({ length: bytes.readUInt16LE(56) }, (_, index) => {
      const header = start + index * bytes.readUInt16LE(54)
      const [type, flags] = [bytes.readUInt32LE(header), bytes.readUInt32LE(header + 4)]
      const [offset, address, size] = [this.#number(header + 8), this.#number(header + 16), this.#number(header + 32)]
      return { header, type, flags, offset, address, size }
    })
  }

  /** The dynamic section, to its end. */
  #entries(): { at: number; tag: number; value: number }[] {
    const section = this.#segments().find(({ type }) => type === PT_DYNAMIC)
    const entries = []
    for (let at = section?.offset ?? this.#bytes.length; ; at += DYNAMIC_SIZE) {
      const entry = { at, tag: this.#number(at), value: this.#number(at + 8) }
      entries.push(entry)
      if (entry.tag === DT.NULL) return entries
    }
  }

  #entry(tag: number): { at: number; value: number } {
    const entry = this.#entries().find((entry) => entry.tag === tag)
    if (!entry) throw new Error(`the program's dynamic section has no entry ${tag}`)
    return entry
  }

  #write(tag: number, value: number): void {
    this.#bytes.writeBigUInt64LE(BigInt(value), this.#entry(tag).at + 8)
  }

  /** Where in the file the table is whose address an entry of the dynamic section has. */
  #table(tag: number): number {
    return this.#offsetOf(this.#entry(tag).value)
  }

  #offsetOf(address: number): number {
    const within = (segment: Segment) => address >= segment.address && address < segment.address + segment.size
    const segment = this.#segments().find((segment) => segment.type === PT_LOAD && within(segment))
    if (!segment) throw new Error(`no part of the program is at 0x${address.toString(16)}`)
    return address - segment.address + segment.offset
  }

  #needs(): Need[] {
    const needs: Need[] = []
    for (let at = this.#table(VERNEED), next = -1; next !== 0; at += next) {
      const versions: number[] = []
      let version = at + this.#bytes.readUInt32LE(at + 8)
      for (let left = this.#bytes.readUInt16LE(at + 2); left > 0; left--) {
        versions.push(this.#bytes.readUInt16LE(version + 6))
        version += this.#bytes.readUInt32LE(version + 12)
      }
      next = this.#bytes.readUInt32LE(at + 12)
      needs.push({ at, file: this.#string(this.#bytes.readUInt32LE(at + 4)), versions, next })
    }
    return needs
  }

  #nameOf(symbol: number): string {
    return this.#string(this.#bytes.readUInt32LE(symbol))
  }

  #string(index: number): string {
    const start = this.#table(DT.STRTAB) + index
    return this.#bytes.toString('latin1', start, this.#bytes.indexOf(0, start))
  }

  #number(at: number): number {
    return Number(this.#bytes.readBigUInt64LE(at))
  }
}
