type Callback = (parser: number, at: number, length: number) => number

/** What undici gives its WebAssembly parser to call. */
interface Callbacks {
  wasm_on_message_begin(parser: number): number
  wasm_on_status: Callback
  wasm_on_header_field: Callback
  wasm_on_header_value: Callback
  wasm_on_headers_complete(parser: number, status: number, upgrade: number, keepAlive: number): number
  wasm_on_body: Callback
  wasm_on_message_complete(parser: number): number
}

const PARSER = 1
const BUFFER = 4096
const MEMORY = 256 * 1024

/**
 * V8 has no WebAssembly while a snapshot is made, but undici's parser is WebAssembly. This one reads just what the
 * warm-up's agent writes: whole answers, each with a Content-Length.
 */
class Llhttp {
  readonly exports: Record<string, unknown>

  constructor(_module: unknown, imports: { env: Callbacks }) {
    const memory = { buffer: new ArrayBuffer(MEMORY) }
    this.exports = {
      memory,
      malloc: () => BUFFER,
      free() {},
      llhttp_alloc: () => PARSER,
      llhttp_free() {},
      llhttp_execute: (_parser: number, at: number, length: number) => {
        parse(imports.env, Buffer.from(memory.buffer, at, length), at)
        return 0
      },
    }
  }
}

function parse(env: Callbacks, bytes: Buffer, base: number): void {
  for (let start = 0; start < bytes.length; ) {
    const bodyAt = bytes.indexOf('\r\n\r\n', start) + 4
    const [statusLine = '', ...headers] = bytes.toString('latin1', start, bodyAt - 4).split('\r\n')
    const [version = '', status = '', text = ''] = statusLine.split(' ')
    let length = 0
    env.wasm_on_message_begin(PARSER)
    env.wasm_on_status(PARSER, base + start + version.length + status.length + 2, text.length)
    let at = start + statusLine.length + 2
    for (const header of headers) {
      const [name = '', value = ''] = header.split(': ')
      env.wasm_on_header_field(PARSER, base + at, name.length)
      env.wasm_on_header_value(PARSER, base + at + name.length + 2, value.length)
      if (name === 'Content-Length') length = Number(value)
      at += header.length + 2
    }
    env.wasm_on_headers_complete(PARSER, Number(status), 0, 1)
    if (length > 0) env.wasm_on_body(PARSER, base + bodyAt, length)
    env.wasm_on_message_complete(PARSER)
    start = bodyAt + length
  }
}

/** Puts the stand-in where `WebAssembly` belongs, until disposed. */
export function standInForWebAssembly(): Disposable {
  if ('WebAssembly' in globalThis)
    throw new Error('snapshots have WebAssembly now: the stand-in is not needed any more')
  const scope = globalThis as { WebAssembly?: unknown }
  scope.WebAssembly = { Module: class {}, Instance: Llhttp }
  return { [Symbol.dispose]: () => void delete scope.WebAssembly }
}
