import type { Role } from '../switchover/roles.ts'
import type { ServiceStatus } from './local-services.ts'

/** What a check looks at, and how it is. */
export interface Observation {
  readonly type: 'service' | 'servicegroup' | 'process' | 'crontab'
  /** The services, the process or the user, for people. */
  readonly name: string
  readonly state: 'running' | 'stopped' | 'mixed' | 'unknown'
  /** How right it is that it runs so, where the state alone doesn't say: 0 right, 1 a warning, 2 critical. */
  readonly level?: Level
  /** How many there are. */
  readonly count?: number
  /** What is wrong, in one sentence. */
  readonly note?: string
}

/** Consul's: 0 passing, 1 warning, 2 critical. */
export type Level = 0 | 1 | 2

/** Where the node stands; one without cluster data stands alone. */
export type Standing =
  | { readonly clustered: false }
  | {
      readonly clustered: true
      /** The node's name. */
      readonly node: string
      readonly role: Role
      readonly activePasses: boolean
      /** A takeover by this node has begun and not ended. */
      readonly isTakingOver: boolean
      /** What the node couldn't do of what its flags asked for, in sentences. */
      readonly setbacks: readonly string[]
    }

/** A check's result, as its line of JSON tells it. */
export interface Verdict {
  readonly type: Observation['type']
  readonly name: string
  readonly expects: 'running' | 'stopped'
  readonly clustered: boolean
  readonly role?: Role
  readonly state: Observation['state']
  readonly count?: number
  readonly code: Level
  /** Why it passes all the same. */
  readonly noop?: true
  /** The node took over, and has become primary for good. */
  readonly tookOver?: true
  /** What is wrong besides, in sentences. */
  readonly notes?: readonly string[]
}

/**
 * A primary must run, and so must a node on its own. A standby must be stopped while a primary passes; when none does,
 * it should be running, and is critical until it is. An `excuse` (a lockfile) makes up for that, but not for a node that could not
 * do what its flags ask for.
 */
export function verdictOn(observation: Observation, standing: Standing, excuse?: string): Verdict {
  const mustRest = standing.clustered && standing.role === 'standby' && standing.activePasses
  const { type, name, state, count, note } = observation
  const setbacks = standing.clustered ? standing.setbacks : []
  const level = mustRest ? restLevel(observation) : (observation.level ?? runLevel(observation))
  const isExcused = excuse !== undefined && setbacks.length === 0
  const notes = [
    ...(note === undefined ? [] : [note]),
    ...(isExcused && level > 0 ? [`passing only by ${excuse}`] : []),
    ...setbacks,
  ]
  return {
    type,
    name,
    expects: mustRest ? 'stopped' : 'running',
    clustered: standing.clustered,
    ...(standing.clustered ? { role: standing.role } : {}),
    state,
    ...(count === undefined ? {} : { count }),
    code: isExcused ? 0 : level,
    ...(isExcused && level > 0 ? { noop: true } : {}),
    ...(notes.length === 0 ? {} : { notes }),
  }
}

function runLevel({ state }: Observation): Level {
  return state === 'running' ? 0 : state === 'unknown' ? 1 : 2
}

function restLevel({ state }: Observation): Level {
  return state === 'stopped' ? 0 : state === 'unknown' ? 1 : 2
}

/** Several services as one. */
export function together(statuses: readonly ServiceStatus[]): Observation['state'] {
  const states = new Set(statuses.map(({ state }) => state))
  const [only] = states
  if (states.size === 1 && only !== undefined) return only
  return states.has('unknown') ? 'unknown' : 'mixed'
}
