import type { HolderRecord } from '../lock/record.ts'
import type { LeaderRecord } from './leader-keys.ts'

/** Who an agent is. */
export interface Self {
  readonly node: string
  /** Where the application is for others. */
  readonly address: string
  readonly port: number
  readonly pid: number
  readonly user: string
  readonly runId: string
}

/** What the lock's value says while this agent holds it. */
export function recordOf(
  self: Self,
  about: { readonly name: string; readonly lockDelayMs: number; readonly since: string; readonly promoted: boolean },
): string {
  const { node, address, port, pid, user, runId } = self
  const { name, lockDelayMs, since, promoted } = about
  const holder: HolderRecord = { host: node, pid, user, command: ['leader', name], since, runId, lockDelayMs }
  const leader: LeaderRecord = { node, address, port, since, promoted }
  return JSON.stringify({ ...holder, ...leader })
}
