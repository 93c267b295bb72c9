import type { GuardedGroup } from '../../child/guardian.ts'

/** The time of an application that may be master, in milliseconds. */
export interface MasterTime {
  /** Until somebody acts in our place, should we say nothing more. */
  readonly leftMs: number
  /** From then on, until the application must be no master any more. */
  readonly restMs: number
  /** Whether the lease still holds. */
  readonly isLeased: boolean
}

/** Who acts in our place should we be killed or stopped. */
export interface AgentGuardian {
  /** Aborts when nobody can be found to do it any more. */
  readonly failed: AbortSignal
  /** The session to destroy. */
  setSession(id: string): void
  /** The application may be master, for as long as this says; `undefined`: it isn't. */
  setMaster(time: (() => MasterTime) | undefined): void
  /** The process group of the call under way. */
  setCallGroup(group: GuardedGroup | undefined): void
  /** Nothing is left to do. */
  dismiss(): void
}

/**
 * What the guardian of an agent is told: `master:<session>` or `slave:<session>`, which is `none` before there is one.
 */
export interface CleanupTask {
  readonly demotes: boolean
  readonly session: string | undefined
}

export function formatCleanupTask({ demotes, session }: CleanupTask): string {
  return `${demotes ? 'master' : 'slave'}:${session ?? 'none'}`
}

export function parseCleanupTask(word: string): CleanupTask {
  const [kind, id = 'none'] = word.split(':')
  return { demotes: kind === 'master', session: id === 'none' ? undefined : id }
}
