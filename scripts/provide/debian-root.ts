import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { archiveOfMachine, keyring } from './apt.ts'
import { environmentOf, keptInCache, unpackPackage } from './debian.ts'
import { execute } from './execute.ts'

/**
 * Resolves with the root directory of a Debian that has only what every Debian has, made by debootstrap in the cache.
 * It takes a minute when it isn't there yet, and must be left as it is. Only root can make one.
 */
export async function debianRoot(suite: string): Promise<string> {
  // It is kept in the cache, too, which is locked while the root is made.
  const root = await unpackPackage({ package: 'debootstrap' })
  return keptInCache(suite, 'minimal-root', async (directory, { lock }) => {
    const { uri } = await archiveOfMachine()
    const words = ['--variant=minbase', `--keyring=${keyring}`, suite, directory, uri]
    // What it mounts ends with it, however that ends.
    const alone = ['--mount', '--propagation', 'private', join(root, 'usr/sbin/debootstrap')]
    const env = { ...environmentOf(root), DEBOOTSTRAP_DIR: join(root, 'usr/share/debootstrap') }
    await execute('unshare', [...alone, ...words], { env, fd3: lock })
    await execute('sh', ['-c', 'rm -rf "$0"/var/cache/apt/* "$0"/var/lib/apt/lists/*', directory])
    await chmod(directory, 0o755)
  })
}
