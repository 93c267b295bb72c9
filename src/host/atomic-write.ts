import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { randomId } from '../base/random-id.ts'
import { destinationOf } from './destination.ts'

const { O_APPEND, O_CREAT, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY, W_OK } = constants

/** Where a file can't be replaced: a mount of a single file, a folder or an owner that isn't ours to write to. */
const IRREPLACEABLE = ['EBUSY', 'EACCES', 'EPERM', 'EROFS']

export interface WriteOptions {
  /** Outlasts a power cut. */
  readonly durable?: boolean
  /** Other users may read it, if it is made anew: as far as the umask lets them, or in any case. */
  readonly forAll?: boolean | 'surely'
}

const OWN = 0o600
const FOR_ALL = 0o666
const READABLE = 0o644

/**
 * Writes a file so that a reader sees the whole of it or the one before; mode and owner stay, and a new one is for this
 * user alone unless it is `forAll`. What can't be replaced is written in place, and a stream (/dev/stderr, a device, a
 * pipe) behind what it got before. It never writes through a link of another user's, nor to a file that another user
 * has put there. Throws what the file system throws, and leaves nothing half done behind.
 */
export function writeAtomically(
  name: string,
  text: string,
  { durable = false, forAll = false }: WriteOptions = {},
): void {
  const destination = destinationOf(name)
  if (destination.kind === 'stream') {
    append(destination.descriptor ?? destination.path, text)
    return
  }
  const { path, before } = destination
  try {
    replace(path, before, forAll ? FOR_ALL : OWN, (draft) => {
      if (!before && forAll === 'surely') fchmodSync(draft, READABLE)
      writeFileSync(draft, text)
      if (durable) fsyncSync(draft)
    })
  } catch (thrown) {
    if (!before || !isIrreplaceable(thrown)) throw thrown
    overwrite(path, text, durable)
  }
  if (durable) syncFolder(dirname(path))
}

/** Throws what the file system throws when `writeAtomically` could not write there. */
export function checkWritable(name: string): void {
  const destination = destinationOf(name)
  if (destination.kind === 'stream') {
    if (destination.descriptor === undefined) accessSync(destination.path, W_OK)
    else fstatSync(destination.descriptor)
    return
  }
  const { path, before } = destination
  try {
    const draft = draftFor(path)
    closeSync(create(draft, OWN))
    rmSync(draft)
  } catch (thrown) {
    if (!before || !isIrreplaceable(thrown)) throw thrown
    accessSync(path, W_OK)
  }
}

function replace(path: string, before: Stats | undefined, mode: number, fill: (draft: number) => void): void {
  const draft = draftFor(path)
  // Nobody may open it who may not read what it replaces.
  const descriptor = create(draft, before ? before.mode & 0o777 : mode)
  try {
    try {
      if (before) resemble(descriptor, before)
      fill(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(draft, path)
  } catch (thrown) {
    rmSync(draft, { force: true })
    throw thrown
  }
}

function draftFor(path: string): string {
  return join(dirname(path), `.consul-locker-${randomId()}`)
}

function create(draft: string, mode: number): number {
  return openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
}

/** Gives an open file the mode and the owner of another one. Throws what the file system throws. */
export function resemble(descriptor: number, { uid, gid, mode }: Stats): void {
  const own = fstatSync(descriptor)
  if (own.uid !== uid || own.gid !== gid) fchownSync(descriptor, uid, gid)
  if (own.mode !== mode) fchmodSync(descriptor, mode & 0o7777)
}

/** Text first, then the new end: a disk that is full has room for as much as was there. */
function overwrite(path: string, text: string, durable: boolean): void {
  const descriptor = openSync(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const stats = fstatSync(descriptor)
    if (!stats.isFile() || stats.nlink > 1) throw new Error(`${path} is the same as another file`)
    writeFileSync(descriptor, text)
    ftruncateSync(descriptor, Buffer.byteLength(text))
    if (durable) fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Without waiting for a reader: one that isn't there might never come. */
function append(stream: string | number, text: string): void {
  const isOpen = typeof stream === 'number'
  const descriptor = isOpen ? stream : openSync(stream, O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK)
  try {
    writeFileSync(descriptor, text)
  } finally {
    if (!isOpen) closeSync(descriptor)
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function isIrreplaceable(thrown: unknown): boolean {
  return IRREPLACEABLE.includes((thrown as NodeJS.ErrnoException).code ?? '')
}
