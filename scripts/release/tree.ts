import {
  chmodSync,
  globSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Layout, PAYLOAD } from './payload.ts'
import { PROJECT } from './release-edition.ts'

/** What distributions have instead of the folder for what an administrator installs by hand. */
const BY_HAND = '/usr/local/bin/consul-locker'
const BY_PACKAGE = '/usr/bin/consul-locker'

/**
 * Lays the payload out in a new folder as a format wants it; `work` has the folder `made`. Returns the paths of all
 * files in it.
 */
export function layOut(layout: Layout, work: string, into: string): string[] {
  rmSync(into, { recursive: true, force: true })
  const files: string[] = []
  for (const { from, to, gzip } of PAYLOAD) {
    const home = from.startsWith('made/') ? work : PROJECT
    const prefix = /^(?:[^*/]+[/])*/.exec(from)?.[0] ?? ''
    for (const path of globSync(from, { cwd: home }).sort()) {
      const source = join(home, path)
      const place = to[layout]
      if (place === undefined || !statSync(source).isFile()) continue
      const target = place === '' || place.endsWith('/') ? place + path.slice(prefix.length) : place
      files.push(put(into, source, target, layout !== 'tar' && gzip === true))
    }
  }
  return files
}

function put(into: string, source: string, target: string, gzip: boolean): string {
  const isProgram = (statSync(source).mode & 0o100) !== 0
  return write(
    into,
    gzip ? `${target}.gz` : target,
    gzip ? packed(readFileSync(source)) : adapted(source, target),
    isProgram,
  )
}

function adapted(source: string, target: string): Buffer {
  const bytes = readFileSync(source)
  if (!target.includes('share/doc/consul-locker/examples/')) return bytes
  return Buffer.from(bytes.toString().replaceAll(BY_HAND, BY_PACKAGE))
}

/** Compresses a file as distributions have it. */
export function packed(text: string | Buffer): Buffer {
  return gzipSync(text, { level: 9 })
}

/** Writes a file into a tree, with the modes that packages have. Returns its path there. */
export function write(into: string, target: string, content: string | Buffer, isProgram = false): string {
  const path = join(into, target)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  chmodSync(path, isProgram ? 0o755 : 0o644)
  return target
}

/** Gives all in a folder, and the folder itself, the time of the release, and folders the mode that packages have. */
export function settle(folder: string, epoch: number): void {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) settle(join(folder, entry.name), epoch)
    else lutimesSync(join(folder, entry.name), epoch, epoch)
  chmodSync(folder, 0o755)
  lutimesSync(folder, epoch, epoch)
}
