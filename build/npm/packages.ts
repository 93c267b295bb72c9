import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageLicences } from '../bundled-licences.ts'
import { bundleLibrary, declareLibrary } from './library.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** `Promise.withResolvers` is made up for; `process.getBuiltinModule` came with this one. */
const OLDEST_NODE = '20.16.0'

/** The packages' names for an architecture. */
const PLATFORMS: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: 'consul-locker-linux-x64',
  arm64: 'consul-locker-linux-arm64',
}

/** What all packages say of themselves. */
function common() {
  const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return { version: version as string, license: license as string }
}

/**
 * Makes the package `consul-locker` in a folder of that name below this one: the library, and a launcher of the
 * executable that is in an optional package for its platform. Nothing runs when it is installed. Settles with that
 * folder.
 */
export async function makeMainPackage(into: string): Promise<string> {
  const place = emptied(join(into, 'consul-locker'))
  const packages = await bundleLibrary(join(place, 'lib'))
  declareLibrary(join(place, 'types'))
  mkdirSync(join(place, 'bin'))
  copyFileSync(join(root, 'build/npm/launcher.sh'), join(place, 'bin/consul-locker'))
  chmodSync(join(place, 'bin/consul-locker'), 0o755)
  copyFileSync(join(root, 'build/npm/README.md'), join(place, 'README.md'))
  copyFileSync(join(root, 'CHANGELOG.md'), join(place, 'CHANGELOG.md'))
  copyFileSync(join(root, 'LICENSE'), join(place, 'LICENSE'))
  writeFileSync(join(place, 'third-party-licences.txt'), packageLicences(packages))
  const { version, license } = common()
  writeManifest(place, {
    name: 'consul-locker',
    version,
    description: 'one thing at a time on all machines: locks in Consul for commands and for programs',
    license,
    keywords: ['consul', 'lock', 'mutex', 'semaphore', 'leader', 'cron', 'distributed'],
    type: 'module',
    bin: { 'consul-locker': 'bin/consul-locker' },
    // Not `import` alone: require() of a module takes `default`.
    exports: { '.': { types: './types/published.d.ts', default: './lib/main.js' }, './package.json': './package.json' },
    types: './types/published.d.ts',
    sideEffects: false,
    engines: { node: `>=${OLDEST_NODE}` },
    optionalDependencies: Object.fromEntries(Object.values(PLATFORMS).map((name) => [name, version])),
  })
  return place
}

/** Makes the package with this executable, which has all licences in it (`--licenses`). Gives its folder. */
export function makePlatformPackage(into: string, arch: NodeJS.Architecture, executable: string): string {
  const name = PLATFORMS[arch]
  if (name === undefined) throw new Error(`there is no package for ${arch}`)
  const place = emptied(join(into, name))
  copyFileSync(executable, join(place, 'consul-locker'))
  chmodSync(join(place, 'consul-locker'), 0o755)
  copyFileSync(join(root, 'LICENSE'), join(place, 'LICENSE'))
  writeFileSync(join(place, 'README.md'), `# ${name}\n\nThe executable of consul-locker for Linux on ${arch}.\n`)
  const { version, license } = common()
  writeManifest(place, {
    name,
    version,
    description: `the executable of consul-locker for Linux on ${arch}`,
    license,
    os: ['linux'],
    cpu: [arch],
    libc: ['glibc'],
    preferUnplugged: true,
  })
  return place
}

function emptied(place: string): string {
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place, { recursive: true })
  return place
}

function writeManifest(place: string, manifest: object): void {
  writeFileSync(join(place, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}
