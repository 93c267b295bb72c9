import { mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import type { Context } from '../../base/context.ts'
import { Failure, messageOf, reasonOf } from '../../base/failure.ts'
import { writeAtomically } from '../../host/atomic-write.ts'
import { takeHostMutex } from '../../host/host-mutex.ts'
import { DEV_IMAGE, type DevImage } from '../dev-schema.ts'

const NAME = 'consul.json'

/** A folder that keeps what a server has, in a file that is replaced as a whole. Many changes at once are one write. */
export class DataFolder implements Disposable {
  /** What stood there; `undefined` in a new one. */
  readonly image: DevImage | undefined
  readonly #ctx: Context
  readonly #path: string
  readonly #mutex: Disposable
  #imageOf: (() => object) | undefined
  #next: Promise<void> | undefined
  #isDirty = false

  /**
   * Opens a folder, and makes it where it isn't there. Throws a `local` failure when it can't be used, a `conflict`
   * when another server has it, and a `malformed` one for a file that is none of ours: nothing is overwritten then.
   */
  constructor(ctx: Context, folder: string, environment: NodeJS.ProcessEnv) {
    this.#ctx = ctx
    this.#path = join(folder, NAME)
    const mutex = takeHostMutex(ctx, environment, `consul-locker dev ${realFolder(folder)}`)
    if (!mutex)
      throw new Failure('conflict', `another consul-locker dev has ${folder}`, { hint: 'name another folder' })
    this.#mutex = mutex
    try {
      this.image = imageIn(this.#path)
    } catch (thrown) {
      mutex[Symbol.dispose]()
      throw thrown
    }
  }

  /** Keeps this from now on, and for a first time when it is next `kept`. */
  keep(imageOf: () => object): void {
    this.#imageOf = imageOf
    this.#isDirty = true
  }

  /** Something has changed. */
  changed(): void {
    this.#isDirty = true
    this.#write().catch((thrown: unknown) => this.#ctx.log.error(messageOf(thrown)))
  }

  /** Settles when all that has changed by now is written. Rejects with a `local` failure when it can't be. */
  async kept(): Promise<void> {
    if (this.#isDirty) await this.#write()
  }

  [Symbol.dispose](): void {
    this.#mutex[Symbol.dispose]()
  }

  #write(): Promise<void> {
    this.#next ??= new Promise<void>((resolve, reject) => {
      this.#ctx.clock.after(0, () => {
        this.#next = undefined
        try {
          writeAtomically(this.#path, `${JSON.stringify(this.#imageOf?.())}\n`)
          this.#isDirty = false
          resolve()
        } catch (thrown) {
          reject(
            new Failure('local', `what changed can't be kept in ${this.#path}: ${reasonOf(thrown)}`, {
              hint: 'make room there, or name another folder',
              cause: thrown,
            }),
          )
        }
      })
    })
    return this.#next
  }
}

function realFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return realpathSync(folder)
  } catch (thrown) {
    throw new Failure('local', `${folder} can't be used: ${reasonOf(thrown)}`, { cause: thrown })
  }
}

function imageIn(path: string): DevImage | undefined {
  try {
    return v.parse(DEV_IMAGE, JSON.parse(readFileSync(path, 'utf8')))
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code !== undefined) throw new Failure('local', `${path} can't be read: ${reasonOf(thrown)}`, { cause: thrown })
    throw new Failure('malformed', `${path} is none of consul-locker dev's, or broken`, {
      hint: 'nothing was changed; name another folder, or take that file away',
      cause: thrown,
    })
  }
}
