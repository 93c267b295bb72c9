import { expect, test } from 'vitest'
import { codeCache, thinCodeCache } from '../../../build/code-cache.ts'

function number(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

/** Compiled code as V8 has it at the beginning. */
function code(rest: string): Buffer {
  return Buffer.concat([Buffer.from([0xa9, 0x06, 0xde, 0xc0]), Buffer.from(rest)])
}

const HEAP = Buffer.concat([Buffer.from('a heap, with '), code('other code in it'), Buffer.from(' and more')])

/** A snapshot whose heap looks like code, too. */
function snapshotOf(modules: Record<string, Buffer>): Buffer {
  const entries = Object.entries(modules).flatMap(([name, code]) => [
    number(name.length),
    Buffer.from(name),
    number(code.length),
    code,
  ])
  return Buffer.concat([HEAP, number(Object.keys(modules).length), ...entries])
}

const MODULES = { fs: code('files'), 'internal/crypto/keys': code('keys'), tls: code(''), _http_agent: code('agents') }

test('the compiled modules are found behind a heap that holds compiled code, too', () => {
  expect(codeCache(snapshotOf(MODULES))).toEqual({
    at: HEAP.length,
    modules: Object.entries(MODULES).map(([name, code]) => ({ name, code })),
  })
})

test('what stays is the same as before, and nothing but zeros comes after it', () => {
  const snapshot = snapshotOf(MODULES)
  thinCodeCache(snapshot, (name) => /crypto|tls/.test(name))
  const { 'internal/crypto/keys': keys, tls } = MODULES
  const wanted = snapshotOf({ 'internal/crypto/keys': keys, tls })
  expect(snapshot.subarray(0, wanted.length)).toEqual(wanted)
  expect(snapshot.subarray(wanted.length).every((byte) => byte === 0)).toBe(true)
})

test('all may go', () => {
  const snapshot = snapshotOf(MODULES)
  thinCodeCache(snapshot, () => false)
  expect(snapshot.subarray(HEAP.length).every((byte) => byte === 0)).toBe(true)
})

test.for([
  { title: 'without compiled modules', snapshot: HEAP },
  { title: 'with something behind them', snapshot: Buffer.concat([snapshotOf(MODULES), Buffer.from('new')]) },
  { title: 'that ends before they do', snapshot: snapshotOf(MODULES).subarray(0, -1) },
  { title: 'with a module of no name that Node gives', snapshot: snapshotOf({ ...MODULES, 'a b': code('') }) },
  { title: 'with a module that is no code', snapshot: snapshotOf({ ...MODULES, net: Buffer.from('text') }) },
])('a snapshot $title fails the build, and stays as it is', ({ snapshot }) => {
  const before = Buffer.from(snapshot)
  expect(() => thinCodeCache(snapshot, () => false)).toThrow('build/code-cache.ts')
  expect(snapshot).toEqual(before)
})

test('all may stay', () => {
  const snapshot = snapshotOf(MODULES)
  thinCodeCache(snapshot, () => true)
  expect(snapshot).toEqual(snapshotOf(MODULES))
})
