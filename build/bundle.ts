import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Metafile, type Plugin, type TransformOptions, transform } from 'esbuild'
import { LICENCES, licencesLater, licencesScript, licenceTexts } from './bundled-licences.ts'
import { type BundledPackage, bundledPackages } from './bundled-packages.ts'
import { commit, commitDay } from './commit.ts'
import { bundlePage } from './page.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node26',
  // V8 crashes on it while a snapshot is made.
  supported: { using: false },
  legalComments: 'none',
  minify: true,
  logLevel: 'warning',
} satisfies BuildOptions

/** import() of a bundled module becomes a lazy require, which a snapshot can do. */
const COMMON_JS = { format: 'cjs', supported: { 'dynamic-import': false }, minify: true } satisfies TransformOptions

const OUT = 'dist/bundle'
const FIRST = 'application-bundle.js'

/** Each file is loaded when it is first required; names without a path are those of Node's own modules. */
const LOADER = `
const factories={FACTORIES},modules=new Map
const load=name=>{
  if(!name.startsWith('./'))return require(name)
  let module=modules.get(name)
  if(!module){
    modules.set(name,module={exports:{}})
    ;(factories[name]??loadLater(name.slice(2)))(module,module.exports,load)
  }
  return module.exports
}
module.exports=load('./${FIRST}')`

/** The application in two parts; every module of it is in one of them. */
export interface Application {
  /** A CommonJS module with what every run loads. It reads nothing of its surroundings while it loads. */
  readonly text: string
  /** What only some runs load, by import(): bodies of functions of `module`, `exports` and `require`, by name. */
  readonly later: ReadonlyMap<string, string>
  readonly packages: readonly BundledPackage[]
  /** Everybody's whose work is in it, or in the Node that it runs on. */
  readonly licences: string
}

/** Bundles the application. When it runs, a global `loadLater` must give it the functions that are loaded later. */
export async function bundleApplication(...plugins: Plugin[]): Promise<Application> {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  const page = await bundlePage()
  const { outputFiles, metafile } = await build({
    ...COMMON,
    entryPoints: [`${root}build/main/application-bundle.ts`],
    absWorkingDir: root,
    // Of modules of this kind alone esbuild makes several files that share what they have in common.
    format: 'esm',
    splitting: true,
    outdir: OUT,
    metafile: true,
    // A path that is nowhere; with `node_modules` in it yargs doesn't look for the working directory.
    banner: { js: 'const importMetaUrl = "file:///consul-locker/node_modules/main.cjs"' },
    define: {
      'import.meta.url': 'importMetaUrl',
      CONSUL_LOCKER_VERSION: JSON.stringify(version),
      CONSUL_LOCKER_COMMIT: JSON.stringify(commit(root)),
      CONSUL_LOCKER_DATE: JSON.stringify(commitDay(root)),
      CONSUL_LOCKER_PAGE_SCRIPT: JSON.stringify(page.script),
      CONSUL_LOCKER_PAGE_STYLE: JSON.stringify(page.style),
      // undici's own switch for bundles without its second HTTP/1 parser.
      esbuildDetection: 'true',
      // yargs asks while it loads, which would open standard output; our help has a fixed width.
      'process.stdout.columns': 'undefined',
    },
    plugins: [licencesLater, ...plugins],
    write: false,
  })
  const now = loadedAtOnce(metafile)
  const factories: string[] = []
  const later = new Map<string, string>()
  for (const { path, text } of outputFiles) {
    const name = basename(path)
    const { code } = await transform(text, { ...COMMON_JS, platform: 'node' })
    if (now.has(name)) factories.push(`${JSON.stringify(`./${name}`)}(module,exports,require){${code}}`)
    else later.set(name, code)
  }
  const packages = bundledPackages(metafile, page.metafile)
  const licences = licenceTexts(root, packages)
  later.set(LICENCES, licencesScript(licences))
  return { text: LOADER.replace('FACTORIES', () => factories.join(',')), later, packages, licences }
}

/** The names of the files that the first one imports, directly or not, but for those that it imports by import(). */
function loadedAtOnce({ outputs }: Metafile): Set<string> {
  const names = new Set<string>([FIRST])
  for (const name of names) {
    const imports = outputs[`${OUT}/${name}`]?.imports ?? []
    for (const { path, kind } of imports) if (kind === 'import-statement') names.add(basename(path))
  }
  return names
}

/** What stack traces call it; by default, the path that it had while it was built. */
const FOOTER = { js: '//# sourceURL=consul-locker.cjs' }

/** Scripts around the application: one makes the start-up snapshot, the other does without and runs at once. */
export type MainScript = 'snapshot' | 'plain'

/** Writes a main script: `loadApplication` in it makes an instance of the application. */
export async function bundleMain(script: MainScript, { text }: Application, outfile: string): Promise<void> {
  const load = `function loadApplication(){const module={exports:{}};((module,exports)=>{${text}
})(module,module.exports);return module.exports}`
  await build({
    ...COMMON,
    format: 'cjs',
    entryPoints: [`${root}build/main/${script}.ts`],
    banner: { js: load },
    footer: FOOTER,
    outfile,
  })
}
