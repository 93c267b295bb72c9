type Functions = Record<string, (...args: number[]) => unknown>

/** What the parser calls. The translation takes its imports when it loads, which is before undici has them. */
const callbacks: Functions = {}

/**
 * What takes the place of V8's own in the bundle. The only WebAssembly in it is undici's HTTP parser, of which a
 * process has one instance: build/translated-parser.ts makes JavaScript of it, and resolves what is required here. It
 * is made while the bundle loads, and so is part of the start-up snapshot.
 */
export const WebAssembly = {
  Module: class {},
  Instance: class {
    readonly exports: unknown

    constructor(_module: unknown, { env }: { readonly env: Functions }) {
      Object.assign(callbacks, env)
      this.exports = parser
    }
  },
}

for (const name of require('parser:imports')) require('env')[name] = (...args: number[]) => callbacks[name]?.(...args)
const parser: unknown = require('parser:translated')
