import type { HostFacts, SoakingHost } from './host-facts.ts'
import { missingDependencies, missingFirst, tooManyFailures } from './step-obstacles.ts'

/** What a host may have to wait for. */
export type Obstacle = 'pause' | 'limit' | 'failures' | 'window' | 'first' | 'dependencies' | 'soak' | 'others'

/**
 * What a host is to do: nothing, for no version was triggered; validate what it runs; wait, for a reason; or upgrade.
 */
export type StepDecision =
  | { readonly kind: 'untriggered' }
  | { readonly kind: 'up-to-date' }
  | { readonly kind: 'wait'; readonly for: Obstacle; readonly why: string }
  | { readonly kind: 'upgrade'; readonly version: string }

/** Decides, from facts alone. */
export function decideStep(facts: HostFacts): StepDecision {
  const { target, local, interrupted, pausedBy, goesFirst, shutWindows, soaking } = facts
  if (target === undefined) return { kind: 'untriggered' }
  if (local === target && interrupted === '') return { kind: 'up-to-date' }
  if (pausedBy !== undefined) return { kind: 'wait', for: 'pause', why: pauseOf(pausedBy) }
  const forbidden = forbiddenBy(facts)
  if (forbidden) return { kind: 'wait', for: 'limit', why: `the limit of ${forbidden} is 0` }
  // Who fails again and again must not keep the slots from those that haven't tried yet.
  if (interrupted === target && goesFirst !== undefined) {
    return { kind: 'wait', for: 'others', why: `${target} has failed here: ${goesFirst} goes first` }
  }
  // Who has begun goes on: halfway is worse than either end, and who failed must be able to try again.
  if (interrupted === target) return { kind: 'upgrade', version: target }
  if (facts.isForced) return { kind: 'upgrade', version: target }
  const failures = tooManyFailures(facts, target)
  if (failures !== undefined) {
    return { kind: 'wait', for: 'failures', why: `the rollout of ${target} has stopped: ${failures}` }
  }
  if (shutWindows !== undefined) return { kind: 'wait', for: 'window', why: `waiting for its window: ${shutWindows}` }
  const first = missingFirst(facts, target)
  if (first !== undefined) return { kind: 'wait', for: 'first', why: `waiting for the first hosts: ${first}` }
  const missing = missingDependencies(facts, target)
  if (missing !== undefined) return { kind: 'wait', for: 'dependencies', why: `waiting for ${missing}` }
  if (soaking !== undefined) return { kind: 'wait', for: 'soak', why: soakOf(soaking) }
  return { kind: 'upgrade', version: target }
}

function pauseOf(scope: string): string {
  return scope === 'global' ? 'the rollout is paused' : `the rollout is paused for ${scope}`
}

function forbiddenBy({ limits, role }: HostFacts): string | undefined {
  if (limits.cluster === 0) return 'the cluster'
  return limits.role === 0 ? `the role ${role}` : undefined
}

function soakOf({ host, untilMs }: SoakingHost): string {
  return `${host} has just been upgraded, and is watched until ${new Date(untilMs).toISOString().slice(0, 19)}Z`
}
