import { closeSync, fstatSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'

const KEPT_BYTES = 4096
/** A larger file is emptied; looked at this often. */
const FILE_BYTES = 1024 * 1024
const LOOK_MS = 100

/** Where a task writes, without end if it must, while only the last of it is kept. */
export class TaskOutput {
  /** For the task's standard output and error. It appends, so the file may be emptied under it. */
  readonly descriptor: number
  readonly #clock: Clock
  /** The end of what was in the file when it was emptied last. */
  #before: Buffer = Buffer.alloc(0)
  #cancel: () => void = () => {}

  private constructor(clock: Clock, descriptor: number) {
    this.#clock = clock
    this.descriptor = descriptor
    this.#lookLater()
  }

  /** A file that has no name any more, so that it ends with us; none on a full disk: then the output is lost. */
  static open(clock: Clock): TaskOutput | undefined {
    try {
      const folder = mkdtempSync(join(tmpdir(), 'consul-locker-task-'))
      try {
        return new TaskOutput(clock, openSync(join(folder, 'output'), 'a+', 0o600))
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    } catch {
      return undefined
    }
  }

  /** The last of what was written, a few kilobytes at most. */
  last(): string {
    return Buffer.concat([this.#before, this.#tail()]).subarray(-KEPT_BYTES).toString('utf8')
  }

  close(): void {
    this.#cancel()
    closeSync(this.descriptor)
  }

  #lookLater(): void {
    this.#cancel = this.#clock.after(LOOK_MS, () => {
      try {
        this.#keepSmall()
      } catch {
        // Then it grows until the task's end.
      }
      this.#lookLater()
    })
  }

  /** What counts may be written already: the task's last words often are its whole message. */
  #keepSmall(): void {
    if (fstatSync(this.descriptor).size <= FILE_BYTES) return
    const tail = this.#tail()
    ftruncateSync(this.descriptor)
    this.#before = tail
  }

  #tail(): Buffer {
    const { size } = fstatSync(this.descriptor)
    const buffer = Buffer.alloc(Math.min(size, KEPT_BYTES))
    return buffer.subarray(0, readSync(this.descriptor, buffer, 0, buffer.length, size - buffer.length))
  }
}
