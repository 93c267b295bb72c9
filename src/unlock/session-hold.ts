import type { SessionInfo } from '../consul/session-info.ts'
import { READERS } from '../lock/holder-list.ts'
import { SLOTS_LIST } from '../lock/lock-keys.ts'
import type { HolderView, LockView } from '../overview/lock-view.ts'

/**
 * Whose program a lock is held by, for that decides what becomes of the work under it when the lock is taken away:
 * - `run`: a runner of ours: the command is stopped
 * - `hold`: one of ours that has no command: its users are told
 * - `leader`: an agent of ours: the application is demoted
 * - `step`: a rollout's step of ours, which stops, or a switch, which takes the lock again
 * - `consul-lock`, `bash`: Consul's own command; the Bash original
 * - `unknown`: another program
 */
export type Keeper = 'run' | 'hold' | 'leader' | 'step' | 'consul-lock' | 'bash' | 'unknown'

/** One session's hold on one lock, as a person is shown it before it is ended. */
export interface SessionHold {
  readonly lock: LockView
  readonly holder: HolderView
  readonly keeper: Keeper
  /** What Consul says of the session; `undefined` when the token may not see it. */
  readonly session: SessionInfo | undefined
  /** What else the session holds, by the names of locks, or by keys; `undefined` when that can't be told. */
  readonly others: readonly string[] | undefined
}

/** The key that the session holds for this. */
export function sessionHoldKey({ lock, holder }: Pick<SessionHold, 'lock' | 'holder'>): string {
  if (lock.kind === 'readers') return `${lock.key}${READERS}${holder.session}`
  return lock.kind === 'slots' ? `${lock.key.slice(0, 1 - SLOTS_LIST.length)}${holder.session}` : lock.key
}

/** How long the lock stays closed when this session dies, in milliseconds; `undefined` when nobody tells. */
export function closedForMs({ session, holder }: Pick<SessionHold, 'session' | 'holder'>): number | undefined {
  return session?.lockDelayMs ?? holder.lockDelayMs
}

/** Whose program this is, by what it has left in Consul. */
export function keeperOf(lock: LockView, holder: HolderView, session: SessionInfo | undefined): Keeper {
  // Its lock may be at any key; behind a run's session name stands its id, and nothing more.
  if (lock.kind === 'leader' || /^consul-locker leader \S+ \S+\/\d+$/.test(session?.name ?? '')) return 'leader'
  if (/^consul-locker-(rollout|switchover)\//.test(lock.key)) return 'step'
  if (holder.isKept) return 'hold'
  if (holder.runId !== undefined) return 'run'
  if (/^Consul (lock for '|API (Lock|Semaphore))/.test(session?.name ?? '')) return 'consul-lock'
  return /^consul-lock /.test(session?.name ?? '') ? 'bash' : 'unknown'
}
