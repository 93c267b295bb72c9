import { chmodSync, constants, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildExecutable } from '../../build/build.ts'
import { bundleApplication } from '../../build/bundle.ts'
import { writeManual } from '../../build/manual.ts'
import { slim } from '../../build/slim.ts'
import { parserInJavaScript } from '../../build/translated-parser.ts'
import type { Architecture } from './about.ts'
import { billOfMaterials } from './bom.ts'
import { type Edition, PROJECT } from './release-edition.ts'
import { targetFor } from './targets.ts'

/** Makes what a release has beyond the project's own files, in the folder `made` of `work`. */
export async function makeContents(edition: Edition, arch: Architecture, work: string): Promise<void> {
  const made = join(work, 'made')
  mkdirSync(made, { recursive: true })
  const executable = join(PROJECT, 'dist', arch === process.arch ? 'consul-locker' : `consul-locker-linux-${arch}`)
  const target = await targetFor(arch)
  await buildExecutable(executable, target)
  writeManual(executable, made, target.through)
  copyFileSync(executable, join(made, 'consul-locker'), constants.COPYFILE_FICLONE)
  chmodSync(join(made, 'consul-locker'), 0o755)
  const { licences, packages } = await bundleApplication(parserInJavaScript, slim)
  writeFileSync(join(made, 'third-party-licences.txt'), licences)
  writeFileSync(join(made, 'sbom.cdx.json'), billOfMaterials(edition, arch, packages))
}
