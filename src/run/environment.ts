import type { Held } from '../lock/contest.ts'
import type { Job } from './job.ts'

/** The sessions of all runs around this one, outermost first. */
const SESSIONS = 'CONSUL_LOCKER_SESSIONS'

/** The child's environment: the job's own, and what it may want to know of its lock. Ours override inherited ones. */
export function childEnvironment(job: Job, held: Held): NodeJS.ProcessEnv {
  return {
    ...job.environment,
    CONSUL_LOCK_HELD: 'true',
    CONSUL_LOCKER_NAME: job.name,
    CONSUL_LOCKER_KEY: job.key,
    CONSUL_LOCKER_SESSION: held.session.id,
    CONSUL_LOCKER_FENCE: String(held.fence),
    CONSUL_LOCKER_RUN_ID: job.runId,
    [SESSIONS]: [...enclosingSessions(job.environment), held.session.id].join(' '),
    [markerName(job.mark)]: '1',
  }
}

/** Tells this run's processes from all others; see `Launch`. Runs inside of this one carry it too, and add theirs. */
export function markerOf(mark: string): string {
  return `${markerName(mark)}=1`
}

function markerName(mark: string): string {
  return `CONSUL_LOCKER_RUN_${mark.replaceAll('-', '_')}`
}

/** Which sessions hold locks around a process with this environment. */
export function enclosingSessions(environment: NodeJS.ProcessEnv): string[] {
  return (environment[SESSIONS] ?? '').split(' ').filter((id) => id !== '')
}
