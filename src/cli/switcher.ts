import { hostname } from 'node:os'
import type { Switcher } from '../switchover/turn.ts'
import { userName } from './user-name.ts'

/** Us, as the holder of a lock of switches; `command` is for people. */
export function switcher(command: string): Switcher {
  return { host: hostname(), pid: process.pid, user: userName(), command: [command], isAlive }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}
