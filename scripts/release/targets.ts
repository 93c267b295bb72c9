import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { HERE, type Target } from '../../build/target.ts'
import { environmentOf, program, unpackPackage } from '../provide/debian.ts'
import { execute } from '../provide/execute.ts'
import type { Architecture } from './about.ts'
import { PROJECT } from './release-edition.ts'

/** What Debian has to make and to run programs of another architecture. */
const FOREIGN = {
  x64: {
    binutils: 'binutils-x86-64-linux-gnu',
    strip: 'x86_64-linux-gnu-strip',
    emulator: 'qemu-x86_64-static',
    libraries: 'libstdc++6-amd64-cross',
    place: 'usr/x86_64-linux-gnu',
  },
  arm64: {
    binutils: 'binutils-aarch64-linux-gnu',
    strip: 'aarch64-linux-gnu-strip',
    emulator: 'qemu-aarch64-static',
    libraries: 'libstdc++6-arm64-cross',
    place: 'usr/aarch64-linux-gnu',
  },
} as const

/** What it takes to make the executable for an architecture; another one's is made under an emulator. */
export async function targetFor(arch: Architecture): Promise<Target> {
  if (arch === process.arch) {
    const { path, env } = await program('strip', 'binutils')
    return { ...HERE, strip: inEnvironment(path, env) }
  }
  const { binutils, strip } = FOREIGN[arch]
  const root = await unpackPackage({ package: binutils })
  return {
    arch,
    node: await foreignNode(arch),
    strip: inEnvironment(join(root, 'usr/bin', strip), environmentOf(root)),
    through: await throughEmulator(arch),
  }
}

/** The words that run a program of another architecture here. */
export async function throughEmulator(arch: Architecture): Promise<readonly string[]> {
  const { emulator, libraries, place } = FOREIGN[arch]
  const qemu = await unpackPackage({ package: 'qemu-user-static' })
  const root = await unpackPackage({ package: libraries })
  return [join(qemu, 'usr/bin', emulator), '-L', join(root, place)]
}

/** npm installs the Node of this machine's architecture alone. The build compares its sum. */
async function foreignNode(arch: Architecture): Promise<string> {
  const version = process.version.slice(1)
  const kept = join(PROJECT, '.cache/node', `${version}-${arch}`)
  if (!existsSync(kept)) {
    const unpacking = `${kept}.${process.pid}`
    mkdirSync(unpacking, { recursive: true })
    await execute('npm', ['pack', '--silent', '--pack-destination', unpacking, `node-linux-${arch}@${version}`])
    const archive = join(unpacking, `node-linux-${arch}-${version}.tgz`)
    await execute('tar', ['-xzf', archive, '-C', unpacking, 'package/bin/node'])
    rmSync(archive)
    renameSync(unpacking, kept)
  }
  return join(kept, 'package/bin/node')
}

function inEnvironment(path: string, { LD_LIBRARY_PATH: libraries }: NodeJS.ProcessEnv): [string, ...string[]] {
  return libraries === undefined ? [path] : ['env', `LD_LIBRARY_PATH=${libraries}`, path]
}
