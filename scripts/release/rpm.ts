import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { environmentOf, program, unpackPackage } from '../provide/debian.ts'
import { execute } from '../provide/execute.ts'
import { ABOUT, ARCHITECTURES } from './about.ts'
import type { Package } from './package.ts'
import { layOut, settle } from './tree.ts'

/** Folders that are the package's own; others only pass through. */
const OWN = ['usr/share/doc/consul-locker', 'usr/share/licenses/consul-locker']

/** A program of rpm's, and its environment: on Debian it is told where its configuration is. */
export async function rpmProgram(name: 'rpm' | 'rpmbuild') {
  const found = await program(name, 'rpm')
  const root = await unpackPackage({ package: 'rpm' })
  if (!found.path.startsWith(root)) return found
  return { path: found.path, env: { ...environmentOf(root), RPM_CONFIGDIR: join(root, 'usr/lib/rpm') } }
}

/** Makes the .rpm. Settles with its name. */
export async function makeRpm({ edition, arch, work, into, compression }: Package): Promise<string> {
  const { version, epoch } = edition
  const [tree, top] = [join(work, 'rpm-files'), join(work, 'rpm')]
  const files = layOut('rpm', work, tree)
  settle(tree, epoch)
  mkdirSync(top, { recursive: true })
  const { rpm } = ARCHITECTURES[arch]
  const spec = join(top, 'consul-locker.spec')
  writeFileSync(spec, specOf(version, tree, files))
  const settings = {
    _topdir: top,
    _rpmdir: into,
    _rpmfilename: '%{name}-%{version}-%{release}.%{arch}.rpm',
    _binary_payload: compression === 'xz' ? 'w6.xzdio' : 'w0.gzdio',
    _buildhost: 'localhost',
    use_source_date_epoch_as_buildtime: '1',
    clamp_mtime_to_source_date_epoch: '1',
  }
  const defines = Object.entries(settings).flatMap(([name, value]) => ['--define', `${name} ${value}`])
  const { path, env } = await rpmProgram('rpmbuild')
  await execute(path, ['-bb', '--target', `${rpm}-linux`, ...defines, spec], {
    env: { ...env, HOME: top, SOURCE_DATE_EPOCH: String(epoch) },
  })
  rmSync(tree, { recursive: true })
  rmSync(top, { recursive: true })
  return `consul-locker-${version}-1.${rpm}.rpm`
}

function specOf(version: string, tree: string, files: readonly string[]): string {
  const folders = new Set<string>()
  for (const file of files)
    for (const own of OWN)
      if (file.startsWith(`${own}/`))
        for (let at = file.lastIndexOf('/'); at >= own.length; at = file.lastIndexOf('/', at - 1))
          folders.add(file.slice(0, at))
  return `# Stripping takes the application out of the executable.
%global __os_install_post %{nil}
%global debug_package %{nil}
%global _build_id_links none

Name: consul-locker
Version: ${version}
Release: 1
Summary: ${ABOUT.summary}
License: MIT
Requires: /bin/sh
Requires: coreutils
Requires: grep
Requires: sed

%description
${ABOUT.description}

%install
cp -a '${tree}/.' %{buildroot}

%files
%defattr(-,root,root,-)
${[...folders]
  .sort()
  .map((folder) => `%dir /${folder}`)
  .join('\n')}
${files
  .map((file) => `"/${file}"`)
  .sort()
  .join('\n')}
`
}
