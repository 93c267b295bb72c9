import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { type BundledPackage, bundledPackages } from '../bundled-packages.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const library = join(root, 'src/library')
const ENTRY = 'published.ts'

/** A library starts no processes, and listens to no signals: what does so is left out, and nobody asks for it. */
const withoutCommands: Plugin = {
  name: 'without commands',
  setup(bundler) {
    bundler.onResolve({ filter: /[/]command-probe[.]ts$/ }, ({ path }) => ({ path, namespace: 'left-out' }))
    bundler.onLoad({ filter: /./, namespace: 'left-out' }, () => ({ contents: 'export {}' }))
  },
}

/**
 * The modules of the library for Node 20 and newer, in this folder; gives the packages of which something is in them.
 */
export async function bundleLibrary(into: string): Promise<BundledPackage[]> {
  const { metafile } = await build({
    entryPoints: { main: join(library, ENTRY) },
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    splitting: true,
    outdir: into,
    chunkNames: '[name]-[hash]',
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    define: { 'Promise.withResolvers': 'withResolvers' },
    inject: [join(root, 'build/npm/with-resolvers.ts')],
    plugins: [withoutCommands],
  })
  return bundledPackages(metafile)
}

/**
 * The declarations of the library in this folder: those of its own room, which name no others. Throws when the library
 * needs what Node 20 hasn't got, as far as types tell.
 */
export function declareLibrary(into: string): void {
  const work = `${into}.all`
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    execFileSync(process.execPath, [tsc, '--project', join(root, 'build/npm'), '--outDir', work], { stdio: 'inherit' })
    mkdirSync(into, { recursive: true })
    copyDeclarations(join(work, 'library'), into)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function copyDeclarations(from: string, into: string): void {
  const names = new Set([ENTRY])
  for (const name of names) {
    const file = `${name.slice(0, -'.ts'.length)}.d.ts`
    const text = readFileSync(join(from, file), 'utf8').replaceAll(
      /( from '\.[^']*)\.ts';/g,
      (_, specifier: string) => {
        const target = resolve(from, `${specifier.slice(" from '".length)}.ts`)
        if (dirname(target) !== from) throw new Error(`${file} names ${target}, which is not delivered`)
        names.add(relative(from, target))
        return `${specifier}.js';`
      },
    )
    writeFileSync(join(into, file), text)
  }
}
