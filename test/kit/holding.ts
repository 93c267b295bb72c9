import { type LockerOptions, type Running, startLocker } from './locker.ts'

export interface HoldLine {
  readonly name: string
  readonly key: string
  readonly session: string
  readonly fence: number
  readonly runId: string
}

export interface Holding {
  readonly hold: Running
  readonly line: HoldLine
}

/** Starts a hold, and waits until it has the lock. Its standard input is /dev/null, unless it is asked for a pipe. */
export async function holding(words: readonly string[], options: LockerOptions = {}): Promise<Holding> {
  const hold = startLocker(['hold', ...words], options)
  return { hold, line: await lineOf(hold) }
}

export const PIPE: LockerOptions = { stdio: ['pipe', 'pipe', 'pipe'] }

export async function lineOf(hold: Running): Promise<HoldLine> {
  return JSON.parse((await hold.prints(/^\{.*\}\n/))[0])
}
