import { readFileSync, rmSync } from 'node:fs'
import { Failure, reasonOf } from '../base/failure.ts'
import { quoted } from '../base/printable.ts'
import { writeAtomically } from '../host/atomic-write.ts'
import { keyWordFault } from './rollout-keys.ts'

/** What this host runs, in a file; and, beside it, a mark that stands while an upgrade is under way. */
export class LocalVersion {
  readonly file: string
  readonly #mark: string

  constructor(file: string) {
    this.file = file
    this.#mark = `${file}.upgrading`
  }

  /**
   * Empty when there is none yet. Throws a `local` failure when it can't be read, and a `malformed` one when it is no
   * version.
   */
  read(): string {
    const version = read(this.file)
    const fault = version === '' ? undefined : keyWordFault(version)
    if (fault === undefined) return version
    throw new Failure('malformed', `what stands in ${this.file} is no version: ${quoted(version)} ${fault}`, {
      hint: 'write what this host runs: consul-locker rollout local VERSION',
    })
  }

  /** A reader sees the whole of it or the one before, also after a crash. Throws a `local` failure. */
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
    throw new Failure('local', `the version file ${file} can't be read: ${reasonOf(thrown)}`, { cause: thrown })
  }
}

function write(file: string, version: string): void {
  try {
    writeAtomically(file, `${version}\n`, { durable: true, forAll: true })
  } catch (thrown) {
    throw new Failure('local', `the version file ${file} can't be written: ${reasonOf(thrown)}`, {
      hint: 'is there room on the disk, and may this user write there?',
      cause: thrown,
    })
  }
}
