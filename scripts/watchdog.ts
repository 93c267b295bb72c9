import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'

/** A shell that outlives us, however we end, and then ends the process that we left behind. */
export interface Watchdog {
  /** From now on `pid` is the process to end; `undefined`, when it has ended by itself. */
  guard(pid: number | undefined): void
  /** Lets the watchdog do its last work, now; resolves when that is done. */
  dismiss(): Promise<void>
}

// The end of its standard input is the end of us: the kernel closes the pipe even after a kill -9.
// A zombie waits for its new parent, not for us.
const script = `
alive() { kill -s 0 "$1" && ! grep -q '^State:.Z' "/proc/$1/status"; }
pid=
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
  kill -s TERM "$pid"
  kill -s CONT "$pid"
  tenths=0
  while alive "$pid" && [ "$tenths" -lt 50 ]; do
    sleep 0.1
    tenths=$((tenths + 1))
  done
  kill -s KILL "$pid"
fi
[ -z "$1" ] || rm -rf -- "$1"
`

/**
 * Starts a watchdog. When this process ends, or at `dismiss()`, it stops the guarded process (TERM, KILL after 5 s) and
 * removes the directory `temporary` if there is one. It does not keep this process alive.
 */
export function startWatchdog(temporary = ''): Watchdog {
  const shell = spawn('/bin/sh', ['-c', script, 'watchdog', temporary], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = once(shell, 'exit').then(() => {})
  ended.catch(() => {})
  shell.stdin.on('error', () => {})
  shell.unref()
  ;(shell.stdin as Socket).unref()
  return {
    guard: (pid) => void shell.stdin.write(`${pid ?? ''}\n`),
    dismiss: () => {
      shell.ref()
      shell.stdin.end()
      return ended
    },
  }
}
