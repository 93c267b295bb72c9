import { readFileSync, rmSync } from 'node:fs'
import { writeAtomically } from '../host/atomic-write.ts'

/** Nobody wonders about a shorter wait. */
const LONG_MS = 3_600_000

/** Since when this host waits for a version, in a file; so that a long wait is told, but not every minute. */
export class WaitFile {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /**
   * Notes that the host waits. Settles with how long it has, in milliseconds, when that is to be told now: after an
   * hour, after two, four and so on. Throws what the file system throws.
   */
  note(version: string, nowMs: number): number | undefined {
    const [noted, since, told] = this.#read()
    if (noted !== version || !(Number(since) <= nowMs)) {
      this.#write(version, nowMs, LONG_MS / 2)
      return undefined
    }
    const waitedMs = nowMs - Number(since)
    if (waitedMs < 2 * Number(told)) return undefined
    this.#write(version, Number(since), waitedMs)
    return waitedMs
  }

  end(): void {
    rmSync(this.#file, { force: true })
  }

  #read(): string[] {
    try {
      return readFileSync(this.#file, 'utf8').trim().split(' ')
    } catch {
      return []
    }
  }

  #write(version: string, sinceMs: number, toldMs: number): void {
    writeAtomically(this.#file, `${version} ${sinceMs} ${toldMs}\n`)
  }
}
