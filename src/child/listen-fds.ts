import type { Executable } from './executable.ts'

/** Sockets that systemd passed to us, to be passed on. */
export interface PassedSockets {
  /** Descriptors from 3 on; empty when there are none. */
  readonly fds: number[]
  /**
   * The program, its name and its arguments that start a command with the sockets. LISTEN_PID must name the process
   * that uses them, and only that process itself knows its id before the command begins.
   */
  wrap(command: Executable): [program: string, argv0: string, args: string[]]
}

const FIRST_FD = 3

/** Reads LISTEN_FDS and LISTEN_PID; https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html */
export function passedSockets(environment: NodeJS.ProcessEnv): PassedSockets {
  const meantForUs = Number(environment.LISTEN_PID) === process.pid
  const count = meantForUs ? Number(environment.LISTEN_FDS) || 0 : 0
  return {
    fds: Array.from({ length: count }, (_, n) => FIRST_FD + n),
    wrap: ({ file, words }) => ['/bin/sh', 'sh', ['-c', 'LISTEN_PID=$$ exec "$@"', 'sh', file, ...words.slice(1)]],
  }
}
