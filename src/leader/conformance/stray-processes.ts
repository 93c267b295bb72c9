import { readdirSync, readFileSync } from 'node:fs'
import { sleep } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { isRunning, type OwnProcess, processOf, signal } from '../application/own-process.ts'
import type { Subject } from './subject.ts'

const PATIENCE_MS = 2000
/** So long a handler's server may take until it listens; before that, nothing tells it from what is left behind. */
const START_MS = 15_000
const POLL_MS = 100

/** What calls have left behind that isn't the application, told by an entry of the environment. */
export class StrayProcesses {
  readonly #entry: string

  /** `entry`: `NAME=value`, in the environment of every call. */
  constructor(entry: string) {
    this.#entry = entry
  }

  /** Those that stay, after a while. The application may just be starting, or ending. */
  async find(ctx: Context, subject: Subject): Promise<OwnProcess[]> {
    const beganAt = ctx.clock.now()
    for (;;) {
      const { strays, isServed } = this.#now(subject)
      const patienceMs = isServed || subject.file.application === undefined ? PATIENCE_MS : START_MS
      if (strays.length === 0 || ctx.clock.since(beganAt) > patienceMs) return strays
      await sleep(ctx, POLL_MS)
    }
  }

  /** Ends them: they are ours. */
  end(strays: readonly OwnProcess[]): void {
    for (const stray of strays) signal(stray, 'SIGKILL')
  }

  #now(subject: Subject): { strays: OwnProcess[]; isServed: boolean } {
    const family = new Set(subject.processes().map(({ pid }) => pid))
    const isServed = family.size > 0
    for (const pid of family) {
      const parent = parentOf(pid)
      if (parent !== undefined && parent !== 1 && parent !== process.pid) family.add(parent)
    }
    const strays = carriers(this.#entry).filter(({ pid }) => pid !== process.pid && !family.has(pid))
    return { strays, isServed }
  }
}

/** For people: the first of its words, and its pid. */
export function describeProcess({ pid }: OwnProcess): string {
  return `${read(`/proc/${pid}/comm`).trim() || 'a process'} (pid ${pid})`
}

function carriers(entry: string): OwnProcess[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && read(`/proc/${pid}/environ`).split('\0').includes(entry))
    .flatMap((pid) => processOf(pid) ?? [])
    .filter(isRunning)
}

function parentOf(pid: number): number | undefined {
  const parent = /^PPid:\s*(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1]
  return parent === undefined ? undefined : Number(parent)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
