import type { FailedHost } from './failures.ts'
import { roleOf } from './rollout-keys.ts'

/** All that a host's next step depends on. */
export interface Facts {
  readonly host: string
  readonly role: string
  /** The version that all hosts shall run. */
  readonly target: string | undefined
  /** What this host runs; empty when that was never recorded. */
  readonly local: string
  /** The version of an upgrade of this host that has not ended; empty when there is none. */
  readonly interrupted: string
  /** What pauses this host, as `role/web`. */
  readonly pausedBy: string | undefined
  readonly limits: { readonly cluster: number; readonly role: number | undefined }
  /** The roles that this host's role depends on. */
  readonly dependsOn: readonly string[]
  /** Whose failures stop the rollout: those of hosts with the new version, or any. */
  readonly stopOn: 'upgraded' | 'any'
  /** What hosts run, as they have recorded it. */
  readonly versions: ReadonlyMap<string, string>
  /** Hosts that ran the target before it was triggered: a way back finds them as they were, and changes nothing there. */
  readonly untouched: ReadonlySet<string>
  readonly failed: readonly FailedHost[]
  /** Hosts with failing checks, and the names of these. */
  readonly unhealthy: ReadonlyMap<string, readonly string[]>
  /** Whether the target was triggered by force: neither failures nor dependencies keep anybody from it. */
  readonly isForced: boolean
}

/**
 * What a host is to do: nothing, for no version was triggered; look after what it runs; wait, for a reason; or upgrade.
 */
export type Decision =
  | { readonly kind: 'untriggered' }
  | { readonly kind: 'up-to-date' }
  | {
      readonly kind: 'wait'
      readonly for: 'pause' | 'limit' | 'failures' | 'dependencies'
      readonly why: string
    }
  | { readonly kind: 'upgrade'; readonly version: string }

/** Decides, from facts alone. */
export function decide(facts: Facts): Decision {
  const { target, local, interrupted, pausedBy } = facts
  if (target === undefined) return { kind: 'untriggered' }
  if (local === target && interrupted === '') return { kind: 'up-to-date' }
  if (pausedBy !== undefined) return { kind: 'wait', for: 'pause', why: pauseOf(pausedBy) }
  const forbidden = forbiddenBy(facts)
  if (forbidden) return { kind: 'wait', for: 'limit', why: `the limit of ${forbidden} is 0` }
  // Who has begun goes on: halfway is worse than either end, and who failed must be able to try again.
  if (interrupted === target) return { kind: 'upgrade', version: target }
  if (facts.isForced) return { kind: 'upgrade', version: target }
  const failures = failuresElsewhere(facts, target)
  if (failures.length > 0) {
    return { kind: 'wait', for: 'failures', why: `the rollout of ${target} has stopped: ${listed(failures)}` }
  }
  const missing = missingDependencies(facts, target)
  if (missing.length > 0) return { kind: 'wait', for: 'dependencies', why: `waiting for ${listed(missing)}` }
  return { kind: 'upgrade', version: target }
}

function pauseOf(scope: string): string {
  return scope === 'global' ? 'the rollout is paused' : `the rollout is paused for ${scope}`
}

function forbiddenBy({ limits, role }: Facts): string | undefined {
  if (limits.cluster === 0) return 'the cluster'
  return limits.role === 0 ? `the role ${role}` : undefined
}

function failuresElsewhere(facts: Facts, target: string): string[] {
  const { host, failed, unhealthy, versions, untouched, stopOn } = facts
  const counts = (other: string, version: string | undefined) =>
    other !== host && (stopOn === 'any' || (version === target && !untouched.has(other)))
  const records = failed
    .filter((record) => counts(record.host, record.version ?? target))
    .map(({ host, why }) => `${host} failed (${why})`)
  const checks = [...unhealthy]
    .filter(([node]) => counts(node, versions.get(node)))
    .map(([node, names]) => `${node} is unhealthy (${names.join(', ')})`)
  return [...records, ...checks]
}

function missingDependencies(facts: Facts, target: string): string[] {
  return facts.dependsOn.flatMap((role) => {
    const hosts = [...facts.versions].filter(([host]) => roleOf(host) === role && host !== facts.host)
    if (hosts.length === 0) return [`a host of the role ${role}`]
    return hosts.flatMap(([host, version]) => {
      if (version !== target) return [`${host} (runs ${version})`]
      const names = facts.unhealthy.get(host)
      return names ? [`${host} (unhealthy: ${names.join(', ')})`] : []
    })
  })
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}
