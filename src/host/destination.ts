import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { isShared, isTrusted } from './state-folder.ts'

/**
 * Where what is written to a name ends up:
 * - `file`: in a file of that path; `before` is the one that stands there
 * - `stream`: in what is open or must stay what it is (a device, a pipe), behind what was written before
 */
export type Destination =
  | { readonly kind: 'file'; readonly path: string; readonly before: Stats | undefined }
  | { readonly kind: 'stream'; readonly path: string; readonly descriptor: number | undefined }

const MAX_LINKS = 40
const STANDARD_STREAMS = 2

/**
 * Follows links, but for those of other users: they are replaced as a whole, as is what others have put in our way in
 * a folder where all may make files. Throws what the file system throws, or that another user's link on the way may
 * lead anywhere.
 */
export function destinationOf(name: string): Destination {
  let path = resolve(name)
  for (let links = 0; links < MAX_LINKS; links++) {
    const folder = realFolder(dirname(path))
    path = join(folder, basename(path))
    const open = /^\/proc\/(\d+)\/(?:task\/\d+\/)?fd\/(\d+)$/.exec(path)
    if (open) return { kind: 'stream', path, descriptor: ownStream(Number(open[1]), Number(open[2])) }
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats?.isDirectory()) throw new Error(`${path} is a directory`)
    if (!stats || (!isTrusted(stats.uid) && (stats.isSymbolicLink() || isShared(lstatSync(folder))))) {
      return { kind: 'file', path, before: undefined }
    }
    if (stats.isFile()) return { kind: 'file', path, before: stats }
    if (!stats.isSymbolicLink()) return { kind: 'stream', path, descriptor: undefined }
    path = resolve(folder, readlinkSync(path))
  }
  throw new Error(`${name}: too many links`)
}

/** A folder's path without links; as the kernel with `fs.protected_symlinks`, but for each part of the path. */
function realFolder(path: string): string {
  const parts = partsOf(path)
  let [real, links] = ['/', 0]
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const next = join(real, part)
    const stats = lstatSync(next)
    if (!stats.isSymbolicLink()) {
      real = next
      continue
    }
    if (!isTrusted(stats.uid) && isShared(lstatSync(real))) throw new Error(`${next} is another user's link`)
    if (++links > MAX_LINKS) throw new Error(`${path}: too many links`)
    const target = readlinkSync(next)
    parts.unshift(...partsOf(target))
    if (isAbsolute(target)) real = '/'
  }
  return real
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}

/** Our own standard streams needn't be opened again, and a socket can't. */
function ownStream(pid: number, descriptor: number): number | undefined {
  return pid === process.pid && descriptor <= STANDARD_STREAMS ? descriptor : undefined
}
