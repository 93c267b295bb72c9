import { lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import type { Context } from '../base/context.ts'

/** Files that show bits of this mode are open to others. */
const OTHERS = 0o077
const WRITABLE_BY_OTHERS = 0o022
const STICKY = 0o1000
/** Memory first: it is empty after a start, and nobody tidies it up under us. */
const SHARED = ['/dev/shm', '/tmp']

/**
 * Where what concerns this user on this machine may be kept, best first: root's folder below /run, or the user's
 * runtime folder, with or without the variable for it; then folders of our own where all may make some, for cron, a
 * read-only /run, or a container. None of them is there, or can be trusted, before it was opened.
 */
export function stateFolders(environment: NodeJS.ProcessEnv): string[] {
  const uid = ownUid()
  const runtime = uid === 0 ? ['/run'] : [environment.XDG_RUNTIME_DIR ?? '', `/run/user/${uid}`]
  const own = runtime.filter(isAbsolute).map((folder) => join(folder, 'consul-locker'))
  return [...new Set([...own, ...SHARED.map((folder) => join(folder, `consul-locker-${uid}`))])]
}

/**
 * Makes a state folder unless it is there. Throws what the file system throws, or why it can't be trusted: others may
 * have made it, look into it, or put another in its place.
 */
export function openStateFolder(folder: string): void {
  checkPlace(dirname(folder))
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
  }
  checkStateFolder(folder)
}

/** Throws as `openStateFolder` does, and makes nothing. */
export function checkStateFolder(folder: string): void {
  checkPlace(dirname(folder))
  const stats = lstatSync(folder)
  if (!stats.isDirectory() || stats.uid !== ownUid() || (stats.mode & OTHERS) !== 0) {
    throw new Error(`${folder} is not a folder of this user's alone (mode 0700)`)
  }
}

const OLD_MS = 60_000
const LOOKS = 4

/**
 * Some files of this ending that have been there for a while: a process that was killed may have left them. Whoever
 * makes one looks at a few others, so they never become many.
 */
export function oldFiles({ clock, random }: Context, folder: string, ending: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(ending))
  const first = Math.floor(random() * names.length)
  return [...names.slice(first), ...names.slice(0, first)]
    .slice(0, LOOKS)
    .map((name) => join(folder, name))
    .filter((path) => {
      const madeAt = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY
      return clock.now().wallMs - madeAt >= OLD_MS
    })
}

/** Root is trusted with all there is. */
export function isTrusted(uid: number): boolean {
  return uid === 0 || uid === ownUid()
}

/** Whether everybody may make files in this folder, and each only take away their own. */
export function isShared({ mode }: { readonly mode: number }): boolean {
  return (mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) !== 0
}

function checkPlace(folder: string): void {
  const stats = lstatSync(folder)
  const isOpen = (stats.mode & WRITABLE_BY_OTHERS) !== 0 && !isShared(stats)
  if (!stats.isDirectory() || !isTrusted(stats.uid) || isOpen) throw new Error(`others may change what is in ${folder}`)
}

function ownUid(): number {
  return process.geteuid?.() ?? -1
}
