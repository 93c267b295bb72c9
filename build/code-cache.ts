import { BlobReader } from './sea-blob.ts'

/** How V8's compiled code begins. */
const CODE = Buffer.from([0xa9, 0x06, 0xde, 0xc0])

/** The compiled code of one of Node's own modules, as the snapshot has it. */
export interface CompiledModule {
  readonly name: string
  readonly code: Buffer
}

/** The compiled modules at the end of a snapshot, and where their number stands. Throws when they are not there. */
export function codeCache(snapshot: Buffer): { at: number; modules: CompiledModule[] } {
  for (let code = snapshot.indexOf(CODE); code >= 0; code = snapshot.indexOf(CODE, code + 1)) {
    // In front of it: how many modules, the length of the first one's name, that name, and the length of its code.
    for (let length = 1; length < 100; length++) {
      const at = code - length - 24
      if (at < 0 || Number(snapshot.readBigUInt64LE(at + 8)) !== length) continue
      const modules = modulesAt(snapshot, at)
      if (modules) return { at, modules }
    }
  }
  throw new Error('the compiled code of Node’s modules is not at the end of the snapshot: see build/code-cache.ts')
}

/** Those whose number stands there, if they are modules to the snapshot's very end. */
function modulesAt(snapshot: Buffer, at: number): CompiledModule[] | undefined {
  const reader = new BlobReader(snapshot, at)
  const left = reader.number(8)
  if (left > 1000) return undefined
  try {
    const modules = Array.from({ length: left }, () => ({
      name: reader.text().toString('latin1'),
      code: reader.text(),
    }))
    const areModules = modules.every(({ name, code }) => /^[\w./-]+$/.test(name) && code.indexOf(CODE) === 0)
    return areModules && reader.at === snapshot.length ? modules : undefined
  } catch {
    return undefined
  }
}

/**
 * Takes the compiled code of Node's modules out of a snapshot, in place, but for those that are to stay. Node copies it
 * all at each start, while what a run needs is compiled and in the snapshot's heap: the code is for modules that are
 * loaded later. A snapshot without it is what Node's setting `withoutCodeCache` makes, which executables don't know.
 * Throws when the snapshot's form is another one.
 */
export function thinCodeCache(snapshot: Buffer, stays: (name: string) => boolean): void {
  const { at, modules } = codeCache(snapshot)
  const kept = modules.filter(({ name }) => stays(name))
  const parts = kept.flatMap(({ name, code }) => [
    number(name.length),
    Buffer.from(name, 'latin1'),
    number(code.length),
    code,
  ])
  const table = Buffer.concat([number(kept.length), ...parts])
  table.copy(snapshot, at)
  snapshot.fill(0, at + table.length)
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
