import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { execute } from '../provide/execute.ts'
import { ARCHITECTURES } from './about.ts'
import type { Package } from './package.ts'
import { layOut, settle } from './tree.ts'

/** Makes the tarball: one folder, to be unpacked anywhere. Settles with its name. */
export async function makeTarball({ edition, arch, work, into, compression }: Package): Promise<string> {
  const { version, epoch } = edition
  const folder = `consul-locker-${version}-${ARCHITECTURES[arch].tar}`
  const name = `${folder}.tar${compression === 'xz' ? '.xz' : ''}`
  layOut('tar', work, join(work, folder))
  settle(join(work, folder), epoch)
  const plain = ['--format=gnu', '--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${epoch}`]
  // With more than one thread the stream is made in blocks, the same on however many processors.
  const packing = compression === 'xz' ? ['--use-compress-program=xz -6 --threads=2'] : []
  await execute('tar', [...plain, ...packing, '-C', work, '-cf', join(into, name), folder])
  rmSync(join(work, folder), { recursive: true })
  return name
}
