import { readFileSync } from 'node:fs'
import { isatty } from 'node:tty'

/** Whether our standard input is a terminal, and we are its foreground job. */
export function inForeground(): boolean {
  if (!isatty(0)) return false
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1')
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return group === foreground
  } catch {
    return false
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
