// Builds dist/consul-locker: one CommonJS bundle, embedded in the pinned Node as a single executable.
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('.', import.meta.url))
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

/**
 * undici's index loads fetch, WebSocket, caches and HTTP/2 with it, several times what a run takes in all. The
 * executable talks through the plain HTTP/1 client alone.
 */
const slimUndici = {
  name: 'slim-undici',
  /** @param {import('esbuild').PluginBuild} bundler */
  setup(bundler) {
    bundler.onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'slim' }))
    bundler.onLoad({ filter: /.*/, namespace: 'slim' }, () => ({
      contents: `
        require('undici/lib/dispatcher/dispatcher.js').prototype.request = require('undici/lib/api/api-request.js')
        exports.Client = require('undici/lib/dispatcher/client.js')`,
      resolveDir: root,
    }))
  },
}

function commit() {
  try {
    /** @param {string[]} args */
    const run = (...args) =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    const dirty = run('status', '--porcelain', '--untracked-files=no') !== ''
    return run('rev-parse', '--short=12', 'HEAD').trim() + (dirty ? '+' : '')
  } catch {
    return 'unknown' // Not a checkout, or no git.
  }
}

// Several builds may run at once (two test runs in one checkout): each in a folder of its own, the last step a rename.
const work = `${root}dist/build-${process.pid}`
mkdirSync(work, { recursive: true })
try {
  await build({
    entryPoints: [`${root}src/main.ts`],
    outfile: `${work}/main.cjs`,
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'cjs',
    // import() of a bundled module becomes a lazy require, which a single executable can do.
    supported: { 'dynamic-import': false },
    banner: { js: 'const importMetaUrl = "file:///consul-locker/main.cjs"' },
    define: {
      'import.meta.url': 'importMetaUrl',
      CONSUL_LOCKER_VERSION: JSON.stringify(version),
      CONSUL_LOCKER_COMMIT: JSON.stringify(commit()),
    },
    plugins: [slimUndici],
    legalComments: 'none',
    minify: true,
    logLevel: 'warning',
  })
  writeFileSync(
    `${work}/sea.json`,
    JSON.stringify({
      main: `${work}/main.cjs`,
      output: `${work}/injected`,
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
      // A user's NODE_OPTIONS is meant for the command, not for us.
      execArgvExtension: 'none',
    }),
  )
  execFileSync(process.execPath, ['--build-sea', `${work}/sea.json`], { stdio: ['ignore', 'ignore', 'inherit'] })
  // The injection leaves the file in huge page-cache folios, which count as memory of every process; a copy doesn't.
  copyFileSync(`${work}/injected`, `${work}/consul-locker`)
  chmodSync(`${work}/consul-locker`, 0o755)
  renameSync(`${work}/consul-locker`, `${root}dist/consul-locker`)
} finally {
  rmSync(work, { recursive: true, force: true })
}
