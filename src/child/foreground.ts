import { readFileSync } from 'node:fs'
import { isatty } from 'node:tty'
import { survivesHangUp } from './signals.ts'

/** Whether we belong to the foreground job of our controlling terminal, whatever our standard streams are. */
export function inForeground(): boolean {
  const { group, foreground } = placeOf('self')
  return group !== undefined && group === foreground
}

/**
 * Whether the command may have our terminal for itself. Not when only others of our job may mean to use it: a script or
 * a program that started us with another standard input perhaps goes on beside us (\`… &\`). Nor when it is to survive
 * the terminal's end.
 */
export function mayHandOnTerminal(environment: NodeJS.ProcessEnv): boolean {
  if (!inForeground()) return false
  if (isatty(0)) return true
  return placeOf(process.ppid).group !== placeOf('self').group && !survivesHangUp(environment)
}

/** A process's group, and the group in the foreground of its terminal; nothing when it can't be seen. */
function placeOf(pid: number | 'self'): { group?: string | undefined; foreground?: string | undefined } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // Under qemu-user all of these are 0: without a terminal nobody is in its foreground.
    return terminal === '0' ? { group } : { group, foreground }
  } catch {
    return {}
  }
}

/**
 * Ends this process by INT itself, if it is the foreground of a terminal. To a shell both are status 130, but a script
 * goes on after a command that exits with it, and stops after one that died of it.
 */
export function dieOfInterrupt(): void {
  if (!inForeground()) return
  process.removeAllListeners('SIGINT')
  process.kill(process.pid, 'SIGINT')
}
