import { readdirSync, readFileSync } from 'node:fs'

/** The processes that have a text in their command line or environment, by pid; zombies have neither. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter((pid) => read(pid, 'cmdline').includes(text) || read(pid, 'environ').includes(text))
    .map(Number)
}

/** Kills a process, or by the negative number a process group, unless it has just ended by itself. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
  }
}

/** Whether a process runs; a zombie doesn't. */
export function runs(pid: number): boolean {
  return !['', 'Z', 'X'].includes(stateOf(pid))
}

/** The processes that a process has started and not yet waited for. */
export function childrenOf(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`).map((task) => read(`${pid}/task/${task}`, 'children'))
  return tasks.flatMap((children) => children.split(' ').filter(Boolean).map(Number))
}

/** A process's state as `ps` shows it: R, S, D, T, Z; empty when it is gone. */
export function stateOf(pid: number): string {
  const stat = read(String(pid), 'stat')
  return stat.slice(stat.lastIndexOf(')') + 2).charAt(0)
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

/** A line for the shell that succeeds if one of these processes runs, and exits with 1 if none does. */
export function isAlive(...pids: readonly string[]): string {
  return `cat ${pids.map((pid) => `/proc/${pid}/status`).join(' ')} 2>/dev/null | grep -q '^State:.[^ZX]'`
}
