import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import type { Plugin } from 'esbuild'
import type { BundledPackage } from './bundled-packages.ts'

/** The script that has the texts; it is loaded when a user asks for them. */
export const LICENCES = 'licences.js'

/** Leaves the texts out of the bundle, for only who knows the bundle knows whose they are. */
export const licencesLater: Plugin = {
  name: 'licences later',
  setup(bundler) {
    bundler.onResolve({ filter: /[/]licence-texts[.]ts$/ }, () => ({ path: `./${LICENCES}`, external: true }))
  },
}

/** What stands in for src's `licence-texts.ts`: they would take four times the room as they are. */
export function licencesScript(texts: string): string {
  return `exports.LICENCE_TEXTS=${JSON.stringify(brotliCompressSync(texts).toString('base64'))}`
}

/**
 * Everybody's licence whose work is in the executable: ours, each package's, and Node's, which has those of its parts.
 */
export function licenceTexts(root: string, packages: readonly BundledPackage[]): string {
  const node = `${dirname(process.execPath)}/../LICENSE`
  const own = chapter(['consul-locker (MIT)', readFileSync(`${root}LICENSE`, 'utf8')])
  const nodes = chapter([`Node.js ${process.version.slice(1)}, and what it contains`, readFileSync(node, 'utf8')])
  return [own, packageLicences(packages), nodes].join('\n')
}

/** The licences of these packages. */
export function packageLicences(packages: readonly BundledPackage[]): string {
  const theirs = packages.map(({ name, version, licence, texts }) => [`${name} ${version} (${licence})`, ...texts])
  return theirs.map(chapter).join('\n')
}

function chapter([title = '', ...texts]: readonly string[]): string {
  const text = texts.map((text) => `${text.replaceAll('\r\n', '\n').trim()}\n`).join('\n')
  return `${'='.repeat(78)}\n${title}\n${'='.repeat(78)}\n\n${text}`
}
