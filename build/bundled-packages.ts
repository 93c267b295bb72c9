import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Metafile } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A package of npm's of which something is in the bundle. */
export interface BundledPackage {
  readonly name: string
  readonly version: string
  /** An SPDX expression. */
  readonly licence: string
  /** The texts that must go with it. */
  readonly texts: readonly string[]
  /** Where it is installed, as the lock file has it. */
  readonly path: string
}

/**
 * The packages of which esbuild took something, in the order of their names. Throws for one without a licence's text.
 */
export function bundledPackages(...bundles: readonly Metafile[]): BundledPackage[] {
  const inputs = bundles.flatMap(({ outputs }) => Object.values(outputs)).flatMap(({ inputs }) => Object.keys(inputs))
  const paths = inputs.flatMap((input) => /^(?:.*[/])?node_modules[/](?:@[^/]+[/])?[^/]+/.exec(input) ?? [])
  const installed = [...new Set(paths)].filter((path) => path.startsWith('node_modules/')).map(packageAt)
  // The same version may be installed in several places.
  const packages = new Map(installed.map((entry) => [`${entry.name} ${entry.version}`, entry]))
  return [...packages].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, entry]) => entry)
}

function packageAt(path: string): BundledPackage {
  const { name, version, license: licence } = JSON.parse(readFileSync(`${root}${path}/package.json`, 'utf8'))
  if (typeof licence !== 'string') throw new Error(`${path}/package.json names no licence`)
  return { name, version, licence, texts: textsOf(path, name), path }
}

/** A package that forgot the file has the text in its README, or we have that of its repository. */
function textsOf(path: string, name: string): string[] {
  const read = (file: string) => readFileSync(file, 'utf8')
  const files = readdirSync(root + path).sort()
  const texts = files.filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
  if (texts.length > 0) return texts.map((file) => read(`${root}${path}/${file}`))
  const kept = `${root}build/licences/${name.replace('/', '+')}.txt`
  if (existsSync(kept)) return [read(kept)]
  const readme = files.find((file) => /^readme/i.test(file))
  const section = readme && /^#+ licen[cs]e\n([\s\S]*Copyright[\s\S]*)/im.exec(read(`${root}${path}/${readme}`))?.[1]
  if (!section) throw new Error(`${path} has no licence's text: put that of its repository into ${kept}`)
  return [section]
}
