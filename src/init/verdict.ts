import type { Role } from '../switchover/roles.ts'
import type { ServiceStatus } from './local-services.ts'

/** What a check looks at, and how it is. */
export interface Observation {
  readonly type: 'service' | 'servicegroup' | 'process' | 'crontab'
  /** The services, the process or the user, for people. */
  readonly name: string
  readonly state: 'running' | 'stopped' | 'mixed' | 'unknown'
}

/** Where the node stands; one without cluster data stands alone. */
export type Standing =
  | { readonly clustered: false }
  | { readonly clustered: true; readonly role: Role; readonly activePasses: boolean }

/** A check's result, as its line of JSON tells it. */
export interface Verdict {
  readonly type: Observation['type']
  readonly name: string
  readonly expects: 'running' | 'stopped'
  readonly clustered: boolean
  readonly role?: Role
  readonly state: Observation['state']
  /** Consul's: 0 passing, 1 warning, 2 critical. */
  readonly code: 0 | 1 | 2
  /** Why it passes all the same. */
  readonly noop?: true
}

/**
 * A primary must run, and so must a node on its own. A standby must be stopped while a primary passes; when none does,
 * it should be running, and is critical until it is.
 */
export function verdictOn(observation: Observation, standing: Standing, noop: boolean): Verdict {
  const mustRest = standing.clustered && standing.role === 'standby' && standing.activePasses
  const expects = mustRest ? 'stopped' : 'running'
  const { type, name, state } = observation
  const code = noop || state === expects ? 0 : state === 'unknown' ? 1 : 2
  return {
    type,
    name,
    expects,
    clustered: standing.clustered,
    ...(standing.clustered ? { role: standing.role } : {}),
    state,
    code,
    ...(noop && state !== expects ? { noop } : {}),
  }
}

/** Several services as one. */
export function together(statuses: readonly ServiceStatus[]): Observation['state'] {
  const states = new Set(statuses.map(({ state }) => state))
  const [only] = states
  if (states.size === 1 && only !== undefined) return only
  return states.has('unknown') ? 'unknown' : 'mixed'
}
