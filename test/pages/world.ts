import { join } from 'node:path'
import { fencesOf } from '../kit/pages.ts'

/** This project's folder, which a machine sees, too. */
export const PROJECT = join(import.meta.dirname, '../..')

/** Why no test runs what builds and tests this project. */
export const CI = 'this is what CI does (.ci/run)'

/** What stands in a page between fences of this language, and begins so. */
export function pasted(page: string, language: string, beginning = ''): string {
  const found = fencesOf(page).find((fence) => fence.language === language && fence.text.startsWith(beginning))
  if (!found) throw new Error(`${page} has no ${language} that begins with ${beginning}`)
  return found.text
}

/** Lines for the shell that write a file. */
export const file = (path: string, text: string) => `cat >${path} <<'END'\n${text}END`

/** A line for the shell that has a server go on. */
export const node = (program: string) => `'${process.execPath}' -e '${program}' >/dev/null 2>&1 &`
