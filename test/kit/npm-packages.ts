import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { block } from './documents.ts'
import { type Packed, startNpmRegistry } from './npm-registry.ts'
import { scratch } from './unique.ts'

const run = promisify(execFile)

const PROJECT = join(import.meta.dirname, '../..')

/** npm's words in the document. */
const [INSTALL, INSTALL_FOR_ALL] = (['npm install consul-locker', 'npm install --global'] as const).map((words) =>
  block('docs/library.md', words).trim().split(' ').slice(1),
) as [string[], string[]]

/** Makes npm's packages as they are delivered, and packs all of them or those of these names, in this folder. */
export async function packNpmPackages(into: string, ...names: readonly string[]): Promise<readonly Packed[]> {
  const made = join(into, 'made')
  // The folder is a relative one, as for `npm run release:npm`.
  execFileSync(process.execPath, ['build.mjs', '--npm', relative(PROJECT, made)], {
    cwd: PROJECT,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const wanted = names.length > 0 ? names : readdirSync(made)
  const packed = wanted.map(async (name): Promise<Packed> => {
    await npm(['pack', '--silent', '--pack-destination', into], { cwd: join(made, name) })
    const manifest = JSON.parse(readFileSync(join(made, name, 'package.json'), 'utf8'))
    return { tarball: join(into, `${manifest.name}-${manifest.version}.tgz`), manifest }
  })
  return Promise.all(packed)
}

/**
 * npm, with nothing of what a package would have run when it is installed; at a registry of a test's without the user's
 * own settings.
 */
export function npm(
  words: readonly string[],
  { cwd, registry }: { cwd?: string; registry?: string },
): Promise<unknown> {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier']
  const from =
    registry === undefined ? [] : ['--registry', registry, '--userconfig=/dev/null', '--cache', `${cwd}/.npm-cache`]
  return run('npm', [...words, ...quiet, ...from], { timeout: 300_000, ...(cwd !== undefined && { cwd }) })
}

/** A program's folder with the package installed as a user would, from a registry of its own. */
export async function programWith(packed: readonly Packed[], ...more: readonly string[]): Promise<string> {
  const folder = scratch()
  const registry = await startNpmRegistry(packed)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'program', private: true, type: 'module' }))
  await npm([...INSTALL, ...more], { cwd: folder, registry })
  return folder
}

/** A prefix with the package installed for all, from a registry of its own. */
export async function installedForAll(packed: readonly Packed[], ...more: readonly string[]): Promise<string> {
  const prefix = scratch()
  mkdirSync(join(prefix, 'lib'))
  const registry = await startNpmRegistry(packed)
  await npm([...INSTALL_FOR_ALL, '--prefix', prefix, ...more], { cwd: prefix, registry })
  return prefix
}
