import { constants, globSync, readFileSync } from 'node:fs'
import { access, mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { Apt } from './apt.ts'
import { execute } from './execute.ts'

/** Which Debian package to unpack. */
export interface DebianPackage {
  readonly package: string
  /** A release's code name; without one, the release that this machine runs. */
  readonly suite?: string
}

/** A program and the environment that it needs to find its libraries and the programs that came with it. */
export interface Program {
  readonly path: string
  readonly env: NodeJS.ProcessEnv
}

/**
 * Unpacks a Debian package, and the dependencies that this machine lacks, into the project's cache, and resolves with
 * the root directory of the unpacked files. Nothing is installed, no maintainer script runs, and nothing outside the
 * cache changes. A package that is there already costs one look at the file system; several processes may ask at once.
 * Rejects when there is no apt, no mirror, or no such package. `DEBIAN_CACHE` names another directory for the cache.
 */
export async function unpackPackage({ package: name, suite = ownSuite() }: DebianPackage): Promise<string> {
  return keptInCache(suite, name, async (unpacked, { cache, lock }) => {
    const files = await new Apt(join(cache, '.apt'), suite, lock).download(name).catch((cause) => {
      throw new Error(`Debian's package ${name} is not on this machine, and can't be had: is there a network?`, {
        cause,
      })
    })
    for (const file of files) await execute('dpkg-deb', ['--extract', file, unpacked], { fd3: lock })
    for (const file of files) await rm(file)
  })
}

/** Where a release's part of the cache is, and a lock on it that programs keep which get it as a file. */
interface CachePlace {
  readonly cache: string
  readonly lock: number
}

/**
 * Resolves with a directory of the cache, which `make` fills when it isn't there yet: whole or not at all, and once,
 * however many processes ask.
 */
export async function keptInCache(
  suite: string,
  name: string,
  make: (directory: string, place: CachePlace) => Promise<void>,
): Promise<string> {
  const cache = join(process.env.DEBIAN_CACHE || join(import.meta.dirname, '../../.cache/debian'), suite)
  const root = join(cache, name)
  if (await isDirectory(root)) return root
  await mkdir(cache, { recursive: true })
  const lock = await open(join(cache, '.lock'), 'w')
  try {
    // The lock belongs to the open file, which apt and dpkg-deb inherit: it ends with the last of us, even after a
    // kill.
    await execute('flock', ['3'], { fd3: lock.fd })
    if (!(await isDirectory(root))) {
      await removeLeftovers(cache)
      const unpacked = await mkdtemp(join(cache, '.unpack-'))
      await make(unpacked, { cache, lock: lock.fd })
      await rename(unpacked, root)
    }
    return root
  } finally {
    await lock.close()
  }
}

/** The environment with `root`'s directories of programs and shared libraries before the system's. */
export function environmentOf(root: string, base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const libraries = globSync('{usr/,}lib{,/*-linux-*}/*.so*', { cwd: root }).map((path) => join(root, dirname(path)))
  const joined = (...paths: (string | undefined)[]) => paths.filter((path) => path).join(delimiter)
  return {
    ...base,
    PATH: joined(...programDirs(root), base.PATH),
    ...(libraries.length > 0 && { LD_LIBRARY_PATH: joined(...new Set(libraries), base.LD_LIBRARY_PATH) }),
  }
}

/**
 * Finds the program `name`: on PATH or in the system's own directories if it is installed, or else in the Debian
 * package, which is unpacked when it has to be. Rejects as `unpackPackage` does, and when the package has no such
 * program.
 */
export async function program(name: string, packageName: string, suite?: string): Promise<Program> {
  const installed = await findProgram(name, [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'])
  if (installed) return { path: installed, env: { ...process.env } }
  const root = await unpackPackage({ package: packageName, ...(suite ? { suite } : {}) })
  const path = await findProgram(name, programDirs(root))
  if (!path) throw new Error(`Debian's package ${packageName} has no program ${name}`)
  return { path, env: environmentOf(root) }
}

/** The path of an executable file `name` in the first of `dirs` that has one. */
export async function findProgram(name: string, dirs: readonly string[]): Promise<string | undefined> {
  for (const dir of dirs.filter((dir) => dir !== '')) {
    const path = join(dir, name)
    const file = await stat(path).catch(() => undefined)
    if (!file?.isFile()) continue
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (executable) return path
  }
  return undefined
}

async function removeLeftovers(cache: string): Promise<void> {
  const leftovers = (await readdir(cache)).filter((entry) => entry.startsWith('.unpack-'))
  for (const leftover of leftovers) await rm(join(cache, leftover), { recursive: true, force: true })
}

/** Directories of programs below `root`; some packages keep theirs by version, as in `usr/lib/postgresql/15/bin`. */
function programDirs(root: string): string[] {
  const dirs = ['usr/bin', 'usr/sbin', 'bin', 'sbin', 'usr/lib/*/*/bin']
  return globSync(dirs, { cwd: root }).map((path) => join(root, path))
}

function ownSuite(): string {
  const release = readFileSync('/etc/os-release', 'utf8')
  const suite = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(release)?.[1]
  if (!suite) throw new Error('/etc/os-release names no release of Debian')
  return suite
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() ?? false
}
