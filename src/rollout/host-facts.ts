import type { FailedHost } from './failures.ts'

/** All that a host's next step depends on. */
export interface HostFacts {
  readonly host: string
  readonly role: string
  /** The role of any host, by this host's file. */
  readonly roleOf: (host: string) => string
  /** The version that all hosts shall run. */
  readonly target: string | undefined
  /** What this host runs; empty when that was never recorded. */
  readonly local: string
  /** The version of an upgrade of this host that has not ended; empty when there is none. */
  readonly interrupted: string
  /** What pauses this host, as `role/web`. */
  readonly pausedBy: string | undefined
  readonly limits: SlotLimits
  /** So many hosts may fail before the rollout stops. */
  readonly maxFailures: number
  /** The windows, when all of them are shut, and when one opens. */
  readonly shutWindows: string | undefined
  /** The hosts that upgrade before this one. */
  readonly first: readonly string[]
  /** A host that was upgraded lately, so that nobody begins yet. */
  readonly soaking: SoakingHost | undefined
  /** A host that may begin, and goes first: this one has failed lately. */
  readonly goesFirst: string | undefined
  /** The roles that this host's role depends on. */
  readonly dependsOn: readonly string[]
  /** Whose failures stop the rollout: those of hosts with the new version, or any. */
  readonly stopOn: 'upgraded' | 'any'
  /** What hosts run, as they have recorded it. */
  readonly versions: ReadonlyMap<string, string>
  /**
   * Hosts that ran the target before it was triggered: a way back finds them as they were, and changes nothing there.
   */
  readonly unchanged: ReadonlySet<string>
  readonly failed: readonly FailedHost[]
  /** Hosts with failing checks, and the names of these. */
  readonly unhealthy: ReadonlyMap<string, readonly string[]>
  /** Whether the target was triggered by force: nothing but limits and pauses keeps anybody from it. */
  readonly isForced: boolean
}

/** How many hosts may upgrade at a time, of all and of a host's role. */
export interface SlotLimits {
  readonly cluster: number
  /** `undefined`: no other than the cluster's. */
  readonly role: number | undefined
}

/** A host after its upgrade. */
export interface SoakingHost {
  readonly host: string
  /** In milliseconds since 1970. */
  readonly untilMs: number
}
