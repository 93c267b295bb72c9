import { closeSync, constants, fstatSync, openSync, renameSync, type Stats, statSync } from 'node:fs'
import { writeAside } from '../base/nonblocking-output.ts'
import { resemble } from './atomic-write.ts'
import { destinationOf } from './destination.ts'

const { O_APPEND, O_CREAT, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants

/** So many old ones are kept beside the file: FILE.1 is the youngest. */
const OLD_LOG_FILES = 5

const OWN = 0o600

/**
 * A file that is written to at its end, by several processes at once if need be. It is renamed when it would grow too
 * large, by us or by others, and then begun anew, with the same mode and owner. It is for this user alone when it is
 * new. Neither another user's link nor what another user has put there is written to.
 */
export class LogFile {
  readonly #name: string
  readonly #maxBytes: number
  #fd: number
  #path: string

  /** Throws what the file system throws, or why the file can't be trusted. Without `maxBytes` it isn't renamed. */
  constructor(name: string, maxBytes = Number.POSITIVE_INFINITY) {
    this.#name = name
    this.#maxBytes = maxBytes
    ;({ fd: this.#fd, path: this.#path } = opened(name))
  }

  /** Settles with how many of the bytes were written; rejects as `write`. */
  async write(bytes: Buffer): Promise<number> {
    this.#follow()
    return writeAside(this.#fd, bytes)
  }

  /** Begins another file if this one has no room for as many bytes. Throws what the file system throws. */
  makeRoomFor(bytes: number): void {
    this.#follow()
    const { size } = fstatSync(this.#fd)
    if (size === 0 || size + bytes <= this.#maxBytes) return
    for (let age = OLD_LOG_FILES - 1; age >= 1; age--) renameIfThere(`${this.#path}.${age}`, `${this.#path}.${age + 1}`)
    renameIfThere(this.#path, `${this.#path}.1`)
    this.#follow()
  }

  close(): void {
    closeSync(this.#fd)
  }

  /** Opens the file that has the name now: another process, or logrotate, may have renamed ours. */
  #follow(): void {
    const own = fstatSync(this.#fd)
    const now = statSync(this.#path, { throwIfNoEntry: false })
    if (now?.ino === own.ino && now.dev === own.dev) return
    try {
      const { fd, path } = opened(this.#name)
      closeSync(this.#fd)
      this.#fd = fd
      this.#path = path
      if (!now) resemble(fd, own)
    } catch {
      // Better in the file that was renamed than nowhere.
    }
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
  }
}

function opened(name: string): { fd: number; path: string } {
  const destination = destinationOf(name)
  if (destination.kind === 'stream') throw new Error(`${name} is no file`)
  const { path, before } = destination
  const fd = open(path, before)
  const stats = fstatSync(fd)
  if (stats.isFile() && stats.nlink <= 1) return { fd, path }
  closeSync(fd)
  throw new Error(`${name} is the same as another file`)
}

/** What isn't there is made, and nothing else than what was looked at is opened. */
function open(path: string, before: Stats | undefined): number {
  const flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
  if (before) return openSync(path, flags)
  try {
    return openSync(path, flags | O_CREAT | O_EXCL, OWN)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
    // Another run of ours was faster, or it is another user's.
    const now = destinationOf(path)
    if (now.kind === 'stream' || !now.before) throw new Error(`${path} belongs to another user`)
    return openSync(path, flags)
  }
}
