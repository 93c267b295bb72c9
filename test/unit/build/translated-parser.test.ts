import { createRequire } from 'node:module'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'
import { parserInJavaScript } from '../../../build/translated-parser.ts'

/** The parts of llhttp's exports that undici uses. */
interface Parser {
  readonly memory: { readonly buffer: ArrayBuffer }
  malloc(size: number): number
  free(at: number): void
  llhttp_alloc(type: number): number
  llhttp_execute(parser: number, at: number, length: number): number
  llhttp_get_error_pos(parser: number): number
  llhttp_get_error_reason(parser: number): number
}

/** As much of V8's WebAssembly as undici uses. */
interface Assembler {
  readonly Module: new (binary: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
}

const RESPONSE = 2

const ANSWERS: Record<string, string> = {
  'with a length':
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Consul-Index: 12\r\nContent-Length: 4\r\n\r\ntrue',
  'in chunks':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\nVary: *\r\n\r\n',
  'up to its end': 'HTTP/1.0 500 Internal Server Error\r\n\r\nNo cluster leader',
  'without a body': 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n',
  'two of them': 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1',
  'after a continue': 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'with bytes that are no text': 'HTTP/1.1 200 OK\r\nX-User: caf\xe9\r\nContent-Length: 2\r\n\r\n\xff\x00',
  'with a length that is none': 'HTTP/1.1 200 OK\r\nContent-Length: four\r\n\r\ntrue',
  'with two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\ntrue',
  'with a line feed in a header': 'HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n',
  'of another protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
  'of TLS': '\x15\x03\x01\x00\x02\x02\x50',
}

const ORIGINAL = (globalThis as unknown as { WebAssembly: Assembler }).WebAssembly

/** A bundle; what it leaves in `module` has one instance, as a process has one of undici's. */
let translation: string

beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: { contents: 'module.exports = WebAssembly' },
    bundle: true,
    format: 'cjs',
    write: false,
    plugins: [parserInJavaScript],
  })
  translation = outputFiles[0]?.text ?? ''
})

function translated(): Assembler {
  const module = { exports: {} }
  new Function('module', translation)(module)
  return module.exports as Assembler
}

/** What a parser tells of an answer that comes in pieces of this size. */
function toldBy({ Module, Instance }: Assembler, answer: string, size: number): unknown[] {
  const told: unknown[] = []
  const tell =
    (event: string) =>
    (parser: number, at: number, length: number, ...rest: number[]) => {
      const text = () => Buffer.from(exports.memory.buffer, at, length).toString('latin1')
      told.push(event.endsWith('complete') || event.endsWith('begin') ? [event, at, length, rest] : [event, text()])
      return parser > 0 ? 0 : -1
    }
  const names = [
    'url',
    'status',
    'header_field',
    'header_value',
    'headers_complete',
    'body',
    'message_begin',
    'message_complete',
  ]
  const env = Object.fromEntries(names.map((name) => [`wasm_on_${name}`, tell(name)]))
  const binary = createRequire(import.meta.url)('undici/lib/llhttp/llhttp_simd-wasm.js')
  const exports = new Instance(new Module(binary), { env }).exports as Parser
  const parser = exports.llhttp_alloc(RESPONSE)
  const at = exports.malloc(1024)
  const bytes = Buffer.from(answer, 'latin1')
  for (let start = 0; start < bytes.length; start += size) {
    const piece = bytes.subarray(start, start + size)
    new Uint8Array(exports.memory.buffer, at, piece.length).set(piece)
    const code = exports.llhttp_execute(parser, at, piece.length)
    if (code === 0) continue
    told.push([code, exports.llhttp_get_error_pos(parser) - at, reasonOf(exports, parser)])
    break
  }
  return told
}

function reasonOf(exports: Parser, parser: number): string {
  const bytes = Buffer.from(exports.memory.buffer, exports.llhttp_get_error_reason(parser))
  return bytes.toString('latin1', 0, bytes.indexOf(0))
}

test.each(Object.keys(ANSWERS))('the parser in JavaScript reads an answer %s as the original does', (name) => {
  const answer = ANSWERS[name] ?? ''
  for (const size of [1, 7, 1024]) {
    const told = toldBy(ORIGINAL, answer, size)
    expect(told.length).toBeGreaterThan(0)
    expect(toldBy(translated(), answer, size)).toEqual(told)
  }
})
