import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * What an executable is made with, besides the bundle: this folder, the agent of its warm-up, and the pinned packages.
 */
const MADE_WITH = ['build.mjs', 'build', 'src/devagent', 'src/base', 'package-lock.json']

/** What an executable with these scripts in it would be made of, as a digest. */
export function fingerprint(scripts: Iterable<string>): string {
  const hash = createHash('sha256')
  const add = (part: string | Buffer) => hash.update(`${part.length}:`).update(part)
  for (const script of scripts) add(script)
  for (const path of MADE_WITH.flatMap(filesIn)) add(path).update(readFileSync(root + path))
  return hash.digest('hex')
}

function filesIn(path: string): string[] {
  if (!statSync(root + path).isDirectory()) return [path]
  return readdirSync(root + path)
    .sort()
    .flatMap((name) => filesIn(`${path}/${name}`))
}

/** Whether this executable is there as `remember` saw it, made of the same. */
export function isMadeOf(executable: string, digest: string): boolean {
  try {
    return readFileSync(noteBeside(executable), 'utf8') === note(executable, digest)
  } catch {
    return false // One of the two isn't there.
  }
}

/** Notes what this executable was made of. */
export function remember(executable: string, digest: string): void {
  writeFileSync(noteBeside(executable), note(executable, digest))
}

function noteBeside(executable: string): string {
  return `${executable}.made-of`
}

/** Another build may have put its own executable there since: that is another inode. */
function note(executable: string, digest: string): string {
  const { ino, mtimeMs, size } = statSync(executable)
  return `${digest} ${ino} ${mtimeMs} ${size}\n`
}
