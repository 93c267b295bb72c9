import { join } from 'node:path'
import { makeMainPackage, makePlatformPackage } from '../../build/npm/packages.ts'
import { execute } from '../provide/execute.ts'
import type { Package } from './package.ts'

/** Makes npm's package with the executable for an architecture. Settles with its file's name. */
export async function makeNpmPlatform({ arch, work, into }: Package): Promise<string> {
  return packed(makePlatformPackage(join(work, 'npm'), arch, join(work, 'made/consul-locker')), into)
}

/** Makes npm's package with the library, which all architectures share. Settles with its file's name. */
export async function makeNpmMain(work: string, into: string): Promise<string> {
  return packed(await makeMainPackage(join(work, 'npm')), into)
}

/** npm gives every file in it the same time, whenever it was made. */
async function packed(folder: string, into: string): Promise<string> {
  const file = await execute('npm', ['pack', '--silent', '--pack-destination', into, folder])
  return file.trim()
}
