import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Failure, messageOf } from '../base/failure.ts'

/** What this host runs, in a file; and, beside it, a mark that stands while an upgrade is under way. */
export class LocalVersion {
  readonly file: string
  readonly #mark: string

  constructor(file: string) {
    this.file = file
    this.#mark = `${file}.upgrading`
  }

  /** Empty when there is none yet. Throws a `declined` failure when it can't be read. */
  read(): string {
    return read(this.file)
  }

  /** A reader sees the whole of it or the one before, also after a crash. Throws a `declined` failure. */
  write(version: string): void {
    write(this.file, version)
  }

  /** The version that an upgrade began with and did not end with; empty when there is none. */
  interrupted(): string {
    return read(this.#mark)
  }

  /** From now on, until `end`, whoever looks knows that the host may be neither here nor there. */
  begin(version: string): void {
    write(this.#mark, version)
  }

  end(): void {
    rmSync(this.#mark, { force: true })
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw new Failure('declined', `the version file ${file} can't be read: ${messageOf(thrown)}`, { cause: thrown })
  }
}

function write(file: string, version: string): void {
  const draft = `${file}.${process.pid}.tmp`
  try {
    const descriptor = openSync(draft, 'w', 0o644)
    try {
      writeFileSync(descriptor, `${version}\n`)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(draft, file)
    syncDirectory(dirname(file))
  } catch (thrown) {
    rmSync(draft, { force: true })
    throw new Failure('declined', `the version file ${file} can't be written: ${messageOf(thrown)}`, {
      hint: 'is there room on the disk, and may this user write there?',
      cause: thrown,
    })
  }
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
