import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chosen, everyOne } from '../stage/choice.ts'
import { interruption, stage } from '../stage/stage.ts'
import { ARCHITECTURES, type Architecture } from './about.ts'
import { FORMATS } from './formats.ts'
import { makeContents } from './made.ts'
import { PROJECT, thisEdition } from './release-edition.ts'
import { writeSums } from './sums.ts'

const usage = `Usage: npm run release [-- [--arch x64,arm64] [--format deb,rpm,tar,npm]]

Makes the packages of this version in dist/release, with SHA256SUMS and a bill
of materials for each architecture. What was there before is replaced when all
is made. The executable of the other architecture is built under an emulator.

  --arch     only for these (both)
  --format   only these kinds (all)

Files get the time of the commit, or that of SOURCE_DATE_EPOCH. DEBFULLNAME and
DEBEMAIL name the maintainer.
`

interface Settings {
  readonly architectures: readonly Architecture[]
  readonly formats: typeof FORMATS
}

function settingsOf(): Settings | 'help' {
  const all = Object.keys(ARCHITECTURES).map((name) => ({ name: name as Architecture }))
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: everyOne(all) },
      format: { type: 'string', default: everyOne(FORMATS) },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  return {
    architectures: chosen(all, values.arch, 'architecture').map(({ name }) => name),
    formats: chosen(FORMATS, values.format, 'format'),
  }
}

async function release({ architectures, formats }: Settings, work: string): Promise<void> {
  const edition = await thisEdition()
  const into = join(work, 'release')
  mkdirSync(into)
  const names: string[] = []
  for (const arch of architectures) {
    const own = join(work, arch)
    console.error(`${arch}: the executable`)
    await makeContents(edition, arch, own)
    const bill = `consul-locker-${edition.version}-${ARCHITECTURES[arch].tar}.cdx.json`
    copyFileSync(join(own, 'made/sbom.cdx.json'), join(into, bill))
    names.push(bill)
    for (const { name, make } of formats) {
      console.error(`${arch}: ${name}`)
      names.push(await make({ edition, arch, work: own, into, compression: 'xz' }))
    }
  }
  for (const { makeShared } of formats) if (makeShared) names.push(await makeShared(work, into))
  await writeSums(into, names)
  const place = join(PROJECT, 'dist/release')
  rmSync(place, { recursive: true, force: true })
  renameSync(into, place)
  for (const name of [...names, 'SHA256SUMS'].sort()) {
    const megabytes = (statSync(join(place, name)).size / 1e6).toFixed(1)
    console.log(`${megabytes.padStart(6)} MB  dist/release/${name}`)
  }
}

await stage({
  usage,
  settings: settingsOf,
  async play(settings, signal, cleanUp) {
    mkdirSync(join(PROJECT, 'dist'), { recursive: true })
    const work = mkdtempSync(join(PROJECT, 'dist/release-'))
    cleanUp.defer(() => rmSync(work, { recursive: true, force: true }))
    await Promise.race([release(settings, work), interruption(signal)])
    return 0
  },
})
