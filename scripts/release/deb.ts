import { createHash } from 'node:crypto'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { program } from '../provide/debian.ts'
import { execute } from '../provide/execute.ts'
import { ABOUT, ARCHITECTURES, type Architecture } from './about.ts'
import type { Package } from './package.ts'
import { type Edition, PROJECT } from './release-edition.ts'
import { layOut, packed, settle, write } from './tree.ts'

const DOC = 'usr/share/doc/consul-locker'

/** For the newest versions of the libraries' symbols that the embedded Node wants, on either architecture. */
const DEPENDS = 'libc6 (>= 2.28), libgcc-s1 (>= 3.4) | libgcc1 (>= 1:4.2), libstdc++6 (>= 7)'

/** Makes the .deb. Settles with its name. */
export async function makeDeb({ edition, arch, work, into, compression }: Package): Promise<string> {
  const { version, epoch } = edition
  const tree = join(work, 'deb')
  const files = [
    ...layOut('deb', work, tree),
    write(tree, `${DOC}/copyright`, copyright()),
    write(tree, `${DOC}/changelog.Debian.gz`, packed(changelog(edition))),
    write(tree, 'usr/share/lintian/overrides/consul-locker', inProject('packaging/lintian-overrides')),
  ]
  const sums = files.sort().map((file) => `${md5(join(tree, file))}  ${file}\n`)
  const bytes = files.map((file) => statSync(join(tree, file)).size)
  write(tree, 'DEBIAN/md5sums', sums.join(''))
  write(tree, 'DEBIAN/control', control(version, arch, bytes))
  settle(tree, epoch)
  const name = `consul-locker_${version}-1_${ARCHITECTURES[arch].deb}.deb`
  const { path, env } = await program('dpkg-deb', 'dpkg')
  await execute(path, ['--root-owner-group', `-Z${compression}`, '--build', tree, join(into, name)], {
    // With more than one the stream is made in blocks, the same on however many processors.
    env: { ...env, SOURCE_DATE_EPOCH: String(epoch), DPKG_DEB_THREADS_MAX: '2' },
  })
  rmSync(tree, { recursive: true })
  return name
}

function control(version: string, arch: Architecture, bytes: readonly number[]): string {
  const kilobytes = bytes.reduce((sum, size) => sum + Math.ceil(size / 1024), 0)
  return `Package: consul-locker
Version: ${version}-1
Section: admin
Priority: optional
Architecture: ${ARCHITECTURES[arch].deb}
Depends: ${DEPENDS}
Suggests: consul
Installed-Size: ${kilobytes}
Maintainer: ${ABOUT.maintainer}
Description: ${ABOUT.summary}
${ABOUT.description.replaceAll(/^$/gm, '.').replaceAll(/^/gm, ' ')}
`
}

function changelog({ version, epoch }: Edition): string {
  return `consul-locker (${version}-1) unstable; urgency=medium

  * Release ${version}: changelog.gz beside this file tells what is new.

 -- ${ABOUT.maintainer}  ${new Date(epoch * 1000).toUTCString().replace('GMT', '+0000')}
`
}

/** Our licence in the form that machines of Debian's read. */
function copyright(): string {
  const [title, holder = '', ...text] = inProject('LICENSE').trim().split('\n\n')
  if (title !== 'MIT License') throw new Error('LICENSE is not the one that scripts/release/deb.ts tells of')
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: consul-locker
Comment: The executable has Node.js and packages of npm in it. Their licences are
 in third-party-licences.txt beside this file.

Files: *
Copyright: ${holder.replace('Copyright (c) ', '')}
License: Expat
${text.join('\n.\n').replaceAll(/^/gm, ' ')}
`
}

function inProject(file: string): string {
  return readFileSync(join(PROJECT, file), 'utf8')
}

function md5(file: string): string {
  return createHash('md5').update(readFileSync(file)).digest('hex')
}
