import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'esbuild'

const require = createRequire(import.meta.url)

const CACHE = fileURLToPath(new URL('../.cache/parser', import.meta.url))

/**
 * Translates undici's HTTP parser (llhttp, as WebAssembly) to JavaScript while a bundle is made. To compile WebAssembly
 * takes each run 4 to 7 ms; the translation is part of the start-up snapshot, where there is no WebAssembly at all. The
 * plain variant serves, since JavaScript has no SIMD.
 */
export const parserInJavaScript: Plugin = {
  name: 'parser in JavaScript',
  setup(bundler) {
    bundler.initialOptions.inject = [fileURLToPath(new URL('web-assembly.ts', import.meta.url))]
    // The translation imports what the parser calls from a module by the name of `env`, when it loads.
    bundler.onResolve({ filter: /^(env|parser:imports|parser:translated)$/ }, ({ path }) => ({
      path,
      namespace: 'parser',
    }))
    bundler.onResolve({ filter: /\/llhttp(_simd)?-wasm[.]js$/ }, () => ({ path: 'nothing', namespace: 'parser' }))
    // Two modules are made of it, both at the same time.
    let translating: Promise<string> | undefined
    const translated = () => {
      translating ??= translation()
      return translating
    }
    bundler.onLoad({ filter: /.*/, namespace: 'parser' }, async ({ path }) => ({
      contents: await contentsOf(path, translated),
    }))
  },
}

async function contentsOf(path: string, translated: () => Promise<string>): Promise<string> {
  if (path === 'parser:translated') return translated()
  if (path !== 'parser:imports') return 'module.exports = {}'
  const imports = (await translated()).matchAll(/\benv[.](\w+)/g)
  return `module.exports = ${JSON.stringify(Array.from(imports, ([, name]) => name))}`
}

/**
 * The translation, kept in a folder, for it takes seconds; by what it was made of, and how: this file is in the name.
 */
export async function translation(cache = CACHE): Promise<string> {
  const wasm: Buffer = require('undici/lib/llhttp/llhttp-wasm.js')
  const { version } = require('binaryen/package.json')
  const hash = createHash('sha256')
    .update(wasm)
    .update(version)
    .update(readFileSync(import.meta.filename))
  const file = `${cache}/${hash.digest('hex').slice(0, 16)}.js`
  if (!existsSync(file)) {
    mkdirSync(cache, { recursive: true })
    // Two builds may be at it at once.
    writeFileSync(`${file}.${process.pid}`, await translate(wasm))
    renameSync(`${file}.${process.pid}`, file)
  }
  return readFileSync(file, 'utf8')
}

async function translate(wasm: Buffer): Promise<string> {
  const { default: binaryen } = await import('binaryen')
  binaryen.setOptimizeLevel(1)
  binaryen.setShrinkLevel(1)
  const module = binaryen.readBinary(wasm)
  try {
    module.optimize()
    return module.emitAsmjs()
  } finally {
    module.dispose()
  }
}
