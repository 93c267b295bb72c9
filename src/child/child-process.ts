import type { ChildProcess } from 'node:child_process'
import { onExit } from 'signal-exit'
import { Failure, outOfFiles, reasonOf } from '../base/failure.ts'
import type { ExitStatus } from './exit-status.ts'
import type { ProcessGroup } from './process-group.ts'

/**
 * Starts a program, and settles when it runs. Rejects with a `Failure` when it can't be started: Node tells some
 * reasons by an event, and throws the others.
 */
export function spawned<P extends ChildProcess>(spawn: () => P, name: string): Promise<P> {
  return new Promise<P>((resolve, reject) => {
    const process = spawn()
    process.once('spawn', () => resolve(process))
    process.once('error', reject)
  }).catch((thrown: NodeJS.ErrnoException) => {
    throw startFailure(name, thrown)
  })
}

const CURES: Readonly<Record<string, string>> = {
  ENOENT: 'does the interpreter in its first line exist?',
  ETXTBSY: 'is somebody writing to its file?',
  E2BIG: 'its arguments and its environment are too long for the kernel',
}

/** Why a command can't be started. */
export function startFailure(name: string, thrown: unknown): Failure {
  const what = `the command ${name} can't be started`
  const exhausted = outOfFiles(what, thrown)
  if (exhausted) return exhausted
  const { code = '' } = thrown as NodeJS.ErrnoException
  const hint = CURES[code]
  return new Failure(code === 'ENOENT' ? 'not-found' : 'not-executable', `${what}: ${reasonOf(thrown)}`, {
    ...(hint && { hint }),
    cause: thrown,
  })
}

/** How a process ended, once it has. */
export function exitStatusOf(process: ChildProcess): Promise<ExitStatus> {
  return new Promise((resolve) => {
    process.once('exit', (code, signal) => resolve(signal === null ? { code: code ?? 0 } : { signal }))
  })
}

const living = new Set<ProcessGroup>()
let removeExitListener: (() => void) | undefined

/** Kills the group should we end before it; settled by the child's own end. */
export function killAtExit(group: ProcessGroup, exited: Promise<unknown>): void {
  living.add(group)
  exited.then(() => living.delete(group))
  // Once for all groups: to take a listener away again takes 17 signal handlers down, while somebody waits for the
  // lock.
  removeExitListener ??= onExit(() => {
    for (const group of living) group.signal('SIGKILL')
  })
}

/**
 * Takes the listeners away that ties leave in the process. A snapshot of it must not have them: signal-exit counts its
 * instances' listeners in a global, and with one too many it takes a signal that the command heeds for deadly.
 */
export function forgetKillAtExit(): void {
  removeExitListener?.()
  removeExitListener = undefined
}
