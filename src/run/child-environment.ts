import type { HeldLock } from '../lock/acquire-options.ts'
import type { RunSpec } from './run-spec.ts'

/** The sessions of all runs around this one, outermost first. */
const SESSIONS = 'CONSUL_LOCKER_SESSIONS'

/** The child's environment: the run's own, and what it may want to know of its lock. Ours override inherited ones. */
export function childEnvironment(spec: RunSpec, held: HeldLock): NodeJS.ProcessEnv {
  return {
    ...spec.environment,
    CONSUL_LOCK_HELD: 'true',
    ...runVariables(spec),
    ...lockVariables(held),
    [SESSIONS]: [...enclosingSessions(spec.environment), held.session.id].join(' '),
    [markerName(spec.mark)]: '1',
  }
}

/** Which run this is. */
export function runVariables({ lock, runId }: RunSpec): NodeJS.ProcessEnv {
  return { CONSUL_LOCKER_NAME: lock.name, CONSUL_LOCKER_KEY: lock.key, CONSUL_LOCKER_RUN_ID: runId }
}

/** By what it has the lock, or had it. */
export function lockVariables({ key, session, fence, compound }: HeldLock): NodeJS.ProcessEnv {
  return {
    CONSUL_LOCKER_KEY: key,
    CONSUL_LOCKER_SESSION: session.id,
    CONSUL_LOCKER_FENCE: String(fence),
    // What only the command under several locks has; a run inside of it hasn't.
    CONSUL_LOCKER_FENCES: undefined,
    CONSUL_LOCKER_KEYS: undefined,
    ...compound?.environment?.(fence),
  }
}

/**
 * Tells this run's processes from all others; see `LaunchRequest`. Runs inside of this one carry it too, and add
 * theirs.
 */
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
