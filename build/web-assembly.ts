interface Imports {
  readonly env: Readonly<Record<string, unknown>>
}

/**
 * What takes the place of V8's own in the bundle. The only WebAssembly in it is undici's HTTP parser, of which a process
 * has one instance: build/parser.ts makes JavaScript of it, and resolves what is required here.
 */
export const WebAssembly = {
  Module: class {},
  Instance: class {
    readonly exports: unknown

    constructor(_module: unknown, { env }: Imports) {
      // Before the parser loads, which takes its imports then.
      Object.assign(require('env'), env)
      this.exports = require('parser:translated')
    }
  },
}
