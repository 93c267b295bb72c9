import { appendFileSync, closeSync, openSync, readFileSync, readSync } from 'node:fs'

/**
 * One line of a history, which commands and the driver write together. `at` is CLOCK_MONOTONIC in milliseconds, one
 * clock for all processes of a machine.
 *
 * A life is one run of the command: it begins, it beats every few milliseconds, adds to a counter, may hear a TERM, and
 * ends, unless it is killed. An orphan beats although its runner is dead.
 */
export type Entry = { readonly at: number } & (
  | {
      readonly event: 'begin'
      readonly life: string
      readonly host: string
      readonly pid: number
      readonly runner: number
      /** It ignores TERM. */
      readonly stubborn?: true
      readonly fence?: number
    }
  | { readonly event: 'beat'; readonly life: string; readonly orphan?: true }
  | { readonly event: 'add'; readonly life: string; readonly value: number }
  | { readonly event: 'term' | 'end'; readonly life: string }
  | { readonly event: 'exit'; readonly host: string; readonly code: number }
  | { readonly event: 'fault'; readonly number: number; readonly fault: string; readonly life: string }
  | { readonly event: 'healed'; readonly number: number }
  | { readonly event: 'settled'; readonly number: number; readonly outcome: Outcome }
)

/** How a fault ended: the command lived on, another one took over, or nobody did for too long. */
export type Outcome = 'survived' | 'handed-over' | 'stuck'

/** The time of now for an entry. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Adds an entry of our own. */
export function writeEntry(file: string, entry: Entry): void {
  appendFileSync(file, `${JSON.stringify(entry)}\n`)
}

/** Reads a whole history. */
export function readHistory(file: string): Entry[] {
  return parse(readFileSync(file, 'utf8'))
}

/** Reads what has been added to a history since the last look. */
export class Follower implements Disposable {
  readonly #fd: number
  readonly #buffer = Buffer.alloc(1 << 20)
  #rest = ''

  constructor(file: string) {
    this.#fd = openSync(file, 'r')
  }

  news(): Entry[] {
    for (;;) {
      const length = readSync(this.#fd, this.#buffer)
      if (length === 0) break
      this.#rest += this.#buffer.toString('latin1', 0, length)
    }
    const end = this.#rest.lastIndexOf('\n') + 1
    const whole = this.#rest.slice(0, end)
    this.#rest = this.#rest.slice(end)
    return parse(whole)
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}

function parse(text: string): Entry[] {
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Entry)
}
