import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What names a source: an import, or the path of a script that is run. */
const SOURCE = /'([^'\n]*[.]ts)'/g
const ROOT = join(import.meta.dirname, '../..')

/** Those of these words that stand in quotes in the files, or in what they import or run below test and scripts. */
export function wordsIn(files: readonly string[], words: readonly string[]): string[] {
  const seen = new Set(files)
  const found = new Set<string>()
  for (const file of seen) {
    const text = readFileSync(file, 'utf8')
    for (const word of words) if (text.includes(`'${word}'`)) found.add(word)
    for (const [, path = ''] of text.matchAll(SOURCE)) {
      const source = [join(dirname(file), path), join(ROOT, path)].find((path) => isOurs(path))
      if (source) seen.add(source)
    }
  }
  return words.filter((word) => found.has(word))
}

function isOurs(path: string): boolean {
  return /^(test|scripts)[/]/.test(path.slice(ROOT.length + 1)) && existsSync(path)
}
