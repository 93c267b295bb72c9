import type { LeaderFile } from '../leader-file.ts'

/** The internal command of a dead agent's guardian. */
export const CLEANUP = ':leader-duty'

/** Has the plan as the dead agent had it, whatever has become of the file. */
export const PLAN_VARIABLE = 'CONSUL_LOCKER_DUTY'

/** What an agent leaves to the one that cleans up after it. */
export interface CleanupPlan {
  readonly path: string
  readonly file: LeaderFile
  /** The Consul node. */
  readonly node: string
  /** The dead agent's id. */
  readonly agent: string
  readonly moduleExports: readonly string[]
  /** Present when a watchdog may be armed; the pid is the agent's. */
  readonly watchdog?: { readonly device: string; readonly pid: number }
}

/** The plan in the environment of a process that we have found; anybody may have put it there. */
export function cleanupPlanIn(text: string): CleanupPlan | undefined {
  try {
    const plan = JSON.parse(text) as Partial<CleanupPlan> | null
    return typeof plan?.file?.name === 'string' ? (plan as CleanupPlan) : undefined
  } catch {
    return undefined
  }
}
