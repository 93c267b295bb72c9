import { oneLine } from '../base/printable.ts'
import type { Health } from '../consul/health.ts'
import type { ClusterRole } from '../switchover/roles.ts'
import type { ServiceStatus } from './local-services.ts'

const NOTE_LENGTH = 200

/** What a check looks at, and how it is. */
export interface Observation {
  readonly type: 'service' | 'servicegroup' | 'process' | 'crontab'
  /** The services, the process or the user, for people. */
  readonly name: string
  readonly state: 'running' | 'stopped' | 'mixed' | 'unknown'
  /** How right it is that it runs so, where the state alone doesn't say. */
  readonly health?: Health
  /** How many there are. */
  readonly count?: number
  /** What is wrong, in one sentence. */
  readonly note?: string
}

/** Where the node stands; one without cluster data stands alone. */
export type Membership =
  | { readonly clustered: false }
  | {
      readonly clustered: true
      /** The node's name. */
      readonly node: string
      readonly role: ClusterRole
      readonly activePasses: boolean
      /** Primaries that Consul has in maintenance, by name; a primary doesn't look for them. */
      readonly maintainedPrimaries: readonly string[]
      /** Whether our own node is. */
      readonly isMaintained: boolean
      /** A takeover by this node has begun and not ended. */
      readonly isTakingOver: boolean
      /** What the node couldn't do of what its flags asked for, in sentences. */
      readonly failures: readonly string[]
    }

export type ClusterMembership = Extract<Membership, { clustered: true }>

/** A check's result. */
export interface CheckResult {
  readonly type: Observation['type']
  readonly name: string
  readonly expects: 'running' | 'stopped'
  readonly clustered: boolean
  readonly role?: ClusterRole
  readonly state: Observation['state']
  readonly count?: number
  readonly health: Health
  /** Why it passes all the same. */
  readonly noop?: true
  /** The node took over, and has become primary for good. */
  readonly tookOver?: true
  /** What is wrong besides, in sentences. */
  readonly notes?: readonly string[]
}

/**
 * A primary must run, and so must a node on its own. A standby must be stopped while a primary passes, and while
 * people are at one, or at this node (`consul maint`); otherwise it should be running, and is critical until it is. An
 * `excuse` (a lockfile) makes up for that, but not for a node that could not do what its flags ask for.
 */
export function judgeCheck(observation: Observation, membership: Membership, excuse?: string): CheckResult {
  const mustRest = membership.clustered && membership.role === 'standby' && isKeptAtRest(membership)
  const { type, name, state, count, note } = observation
  const failures = membership.clustered ? membership.failures : []
  const health = mustRest ? healthAtRest(observation) : (observation.health ?? healthAtWork(observation))
  const isExcused = excuse !== undefined && failures.length === 0
  const notes = [
    ...(note === undefined ? [] : [note]),
    ...(isExcused && health !== 'passing' ? [`passing only by ${excuse}`] : []),
    ...failures,
    ...(membership.clustered ? maintenanceNotes(membership) : []),
  ]
  return {
    type,
    name,
    expects: mustRest ? 'stopped' : 'running',
    clustered: membership.clustered,
    ...(membership.clustered ? { role: membership.role } : {}),
    state,
    ...(count === undefined ? {} : { count }),
    health: isExcused ? 'passing' : health,
    ...(isExcused && health !== 'passing' ? { noop: true } : {}),
    ...(notes.length === 0 ? {} : { notes }),
  }
}

function isKeptAtRest({ activePasses, maintainedPrimaries, isMaintained }: ClusterMembership): boolean {
  return activePasses || maintainedPrimaries.length > 0 || isMaintained
}

function maintenanceNotes({ node, role, maintainedPrimaries, isMaintained }: ClusterMembership): string[] {
  const consequence = role === 'active' ? 'its standbys rest' : 'no switch makes it primary'
  return [
    ...maintainedPrimaries.map((primary) => `the primary ${primary} is in maintenance: nobody takes over from it`),
    ...(isMaintained ? [`${node} is in maintenance: ${consequence}`] : []),
  ]
}

function healthAtWork({ state }: Observation): Health {
  return state === 'running' ? 'passing' : state === 'unknown' ? 'warning' : 'critical'
}

function healthAtRest({ state }: Observation): Health {
  return state === 'stopped' ? 'passing' : state === 'unknown' ? 'warning' : 'critical'
}

/** Several services as one; why one of them can't be told is noted. */
export function combined(statuses: readonly ServiceStatus[]): Pick<Observation, 'state' | 'note'> {
  const untold = statuses.find(({ state }) => state === 'unknown')
  if (untold) return { state: 'unknown', note: oneLine(`${untold.service} is unknown: ${untold.output}`, NOTE_LENGTH) }
  const [only, other] = new Set(statuses.map(({ state }) => state))
  return { state: only === undefined || other !== undefined ? 'mixed' : only }
}
