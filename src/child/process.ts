import type { ChildProcess } from 'node:child_process'
import { onExit } from 'signal-exit'
import { Failure, messageOf } from '../base/failure.ts'
import type { ExitStatus } from './exit-status.ts'
import type { ProcessGroup } from './group.ts'

/** Settles when the program runs. */
export function started<P extends ChildProcess>(process: P, name: string): Promise<P> {
  return new Promise((resolve, reject) => {
    process.once('spawn', () => resolve(process))
    process.once('error', (thrown: NodeJS.ErrnoException) => reject(startFailure(name, thrown)))
  })
}

/** Why a command can't be started. */
export function startFailure(name: string, thrown: unknown): Failure {
  const sentence = `the command ${name} can't be started: ${messageOf(thrown)}`
  if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT')
    return new Failure('not-executable', sentence, { cause: thrown })
  return new Failure('not-found', sentence, { hint: 'does the interpreter in its first line exist?', cause: thrown })
}

/** How a process ended, once it has. */
export function exitOf(process: ChildProcess): Promise<ExitStatus> {
  return new Promise((resolve) => {
    process.once('exit', (code, signal) => resolve(signal === null ? { code: code ?? 0 } : { signal }))
  })
}

const living = new Set<ProcessGroup>()
let untieAll: (() => void) | undefined

/** Kills the group should we end before it; settled by the child's own end. */
export function tieToOurLife(group: ProcessGroup, exited: Promise<unknown>): void {
  living.add(group)
  exited.then(() => living.delete(group))
  // Once for all groups: to take a listener away again takes 17 signal handlers down, while somebody waits for the lock.
  untieAll ??= onExit(() => {
    for (const group of living) group.signal('SIGKILL')
  })
}

/**
 * Takes the listeners away that ties leave in the process. A snapshot of it must not have them: signal-exit counts its
 * instances' listeners in a global, and with one too many it takes a signal that the command heeds for deadly.
 */
export function untie(): void {
  untieAll?.()
  untieAll = undefined
}
