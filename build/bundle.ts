import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { commit } from './commit.ts'
import { parserInJavaScript } from './parser.ts'
import { slim } from './slim.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node26',
  format: 'cjs',
  supported: {
    // import() of a bundled module becomes a lazy require, which a snapshot can do.
    'dynamic-import': false,
    // V8 crashes on it while a snapshot is made.
    using: false,
  },
  legalComments: 'none',
  minify: true,
  logLevel: 'warning',
} satisfies BuildOptions

/** What the application's bundle exports; the first is what an executable does. */
const EXPORTS = `
export { start } from './src/main.ts'
export { main } from './src/cli/cli.ts'`

/** Settles with the application as one CommonJS module. It reads nothing of its surroundings while it loads. */
export async function bundleApplication(...plugins: Plugin[]): Promise<string> {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  const result = await build({
    ...COMMON,
    stdin: { contents: EXPORTS, resolveDir: root },
    absWorkingDir: root,
    // A path that is nowhere; with `node_modules` in it yargs doesn't look for the working directory.
    banner: { js: 'const importMetaUrl = "file:///consul-locker/node_modules/main.cjs"' },
    define: {
      'import.meta.url': 'importMetaUrl',
      CONSUL_LOCKER_VERSION: JSON.stringify(version),
      CONSUL_LOCKER_COMMIT: JSON.stringify(commit(root)),
      // undici's own switch for bundles without its second HTTP/1 parser.
      esbuildDetection: 'true',
      // yargs asks while it loads, which would open standard output; our help has a fixed width.
      'process.stdout.columns': 'undefined',
    },
    plugins: [...plugins, slim, parserInJavaScript],
    write: false,
  })
  return result.outputFiles[0]?.text ?? ''
}

/** What stack traces call it; by default, the path that it had while it was built. */
const FOOTER = { js: '//# sourceURL=consul-locker.cjs' }

/** Writes the script that makes the start-up snapshot: `loadApplication` in it makes an instance of the application. */
export async function bundleBuilder(application: string, outfile: string): Promise<void> {
  const load = `function loadApplication(){const module={exports:{}};((module,exports)=>{${application}
})(module,module.exports);return module.exports}`
  await build({
    ...COMMON,
    entryPoints: [`${root}build/snapshot/main.ts`],
    banner: { js: load },
    footer: FOOTER,
    outfile,
  })
}
