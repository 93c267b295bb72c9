import { Elf } from './elf.ts'

const LIBRARY = 'libatomic.so.1'
const FUNCTION = '__atomic_compare_exchange'

/**
 * `bool __atomic_compare_exchange(size_t size, void *object, void *expected, void *desired, int, int)` for 8 bytes and
 * the strongest order; https://gcc.gnu.org/wiki/Atomic/GCCMM/LIbrary. V8 calls it with no other size, and with aligned
 * objects: in 8 places on x64, in 12 on arm64; the first of them is where it makes a function.
 */
const CODE: Partial<Record<NodeJS.Architecture, string>> = {
  x64: `
    488b02      mov (%rdx),%rax
    488b09      mov (%rcx),%rcx
    f0480fb10e  lock cmpxchg %rcx,(%rsi)
    488902      mov %rax,(%rdx)
    0f94c0      sete %al
    c3          ret`,
  arm64: `
    440040f9    ldr x4, [x2]
    630040f9    ldr x3, [x3]
    25fc5fc8    ldaxr x5, [x1]
    bf0004eb    cmp x5, x4
    a1000054    b.ne clrex
    23fc06c8    stlxr w6, x3, [x1]
    86ffff35    cbnz w6, ldaxr
    20008052    mov w0, #1
    c0035fd6    ret
    5f3f03d5    clrex
    450000f9    str x5, [x2]
    00008052    mov w0, #0
    c0035fd6    ret`,
}

/**
 * Makes a Node do without libatomic, which plain Debian, Ubuntu and slim images lack. It needs a single function of the
 * library's, which gets a place behind Node's own code. Throws when this Node needs another, or is laid out otherwise.
 */
export function bringAtomics(program: Buffer, arch: NodeJS.Architecture = process.arch): void {
  const elf = new Elf(program)
  const listing = CODE[arch]
  if (listing === undefined) throw new Error(`build/atomics.ts has no ${FUNCTION} for ${arch}`)
  const code = Buffer.from(Array.from(listing.matchAll(/^ +([0-9a-f]+) /gm), ([, bytes]) => bytes).join(''), 'hex')
  const wanted = elf.symbolsOf(LIBRARY)
  if (wanted.join() !== FUNCTION)
    throw new Error(`this Node needs [${wanted.join(', ')}] of ${LIBRARY}, not ${FUNCTION}: see build/atomics.ts`)
  elf.resolve(FUNCTION, elf.appendCode(code))
  elf.forget(LIBRARY)
}
