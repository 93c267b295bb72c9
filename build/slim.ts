import { relative, resolve } from 'node:path'
import type { Plugin } from 'esbuild'

/**
 * Modules that stand in for others. undici's index loads fetch, WebSocket, caches and HTTP/2, several times what a run
 * takes in all: the executable has the plain HTTP/1 client alone. That needs two things of node:http, which can't be
 * part of a snapshot; who else imports that, when a run has begun, gets the real one.
 */
const STAND_INS: Record<string, string> = {
  undici: `
    exports.Client = require('undici/lib/dispatcher/client.js')
    exports.buildConnector = require('undici/lib/core/connect.js')`,
  'node:http': `
    exports.maxHeaderSize = 16 * 1024
    exports.IncomingMessage = class {}`,
  './client-h2.js': `
    module.exports = () => { throw new Error('this client was built without HTTP/2') }`,
}

/** They take 25 ms to load, and only the help needs them. */
const LAZY = ['string-width', 'wrap-ansi', 'strip-ansi']

const RESOLVED = Symbol('resolved already')

/** Keeps out of the start-up what a run doesn't need. */
export const slim: Plugin = {
  name: 'slim',
  setup(bundler) {
    for (const [name, contents] of Object.entries(STAND_INS)) {
      const filter = new RegExp(`^${name.replaceAll('.', '[.]')}$`)
      bundler.onResolve({ filter }, ({ importer }) =>
        name === 'undici' || /\/node_modules\/undici\//.test(importer)
          ? { path: name, namespace: 'stand-in' }
          : undefined,
      )
      bundler.onLoad({ filter, namespace: 'stand-in' }, () => ({ contents, resolveDir: import.meta.dirname }))
    }
    bundler.onResolve({ filter: new RegExp(`^(${LAZY.join('|')})$`) }, async ({ path, pluginData, ...from }) => {
      if (pluginData === RESOLVED) return undefined
      const { path: file } = await bundler.resolve(path, { ...from, pluginData: RESOLVED })
      // The names of the bundle's files come of this path, and are to be the same wherever the project lies.
      return { path: relative(import.meta.dirname, file), namespace: 'lazy' }
    })
    bundler.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
      contents: `export default (...args) => require(${JSON.stringify(resolve(import.meta.dirname, path))}).default(...args)`,
      resolveDir: import.meta.dirname,
    }))
  },
}
