import { hostname } from 'node:os'
import { isProcessAlive } from '../host/process-alive.ts'
import { userName } from '../host/user-name.ts'
import type { Switcher } from '../switchover/switch-lock.ts'

/** Us, as the holder of a lock of switches; `command` is for people. */
export function switcher(command: string): Switcher {
  return { host: hostname(), pid: process.pid, user: userName(), command: [command], isAlive: isProcessAlive }
}
