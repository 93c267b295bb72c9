import type { Context } from '../../../base/context.ts'
import { Failure, reasonOf } from '../../../base/failure.ts'
import { checkWritable } from '../../../host/atomic-write.ts'
import { renewFile } from '../../../host/renew-file.ts'

/**
 * The file that has the list of hosts, on one line: whole at every moment, and touched only when the list is another.
 */
export class HostListFile {
  readonly #name: string

  /** Throws a `usage` failure when it could not be written: better before the wait than after it. */
  constructor(name: string) {
    this.#name = name
    try {
      checkWritable(name)
    } catch (thrown) {
      throw new Failure('usage', this.#trouble(thrown), {
        hint: 'name a file in a directory that is there, and that this user may write to',
        cause: thrown,
      })
    }
  }

  /** Returns whether the list is another one than it had. Throws an `unwritable` failure. */
  renew(list: string): boolean {
    try {
      return renewFile(this.#name, `${list}\n`, { forAll: true })
    } catch (thrown) {
      throw new Failure('unwritable', this.#trouble(thrown), { hint: 'is the disk full?', cause: thrown })
    }
  }

  /** The same where it is tried again: trouble costs a warning. Returns whether the file has the list. */
  tryRenew(ctx: Context, list: string): boolean {
    try {
      if (this.renew(list)) ctx.log.notice(`${this.#name} has other hosts now`)
      return true
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown
      ctx.log.warn(`${thrown.message}; trying again`)
      return false
    }
  }

  #trouble(thrown: unknown): string {
    return `the file ${this.#name} can't be written: ${reasonOf(thrown)}`
  }
}
