import type { Context } from '../base/context.ts'
import { awaitGates } from '../gate/await-gates.ts'
import { describeMissing } from '../gate/missing-reporter.ts'
import { wantsBootstrap } from './bootstrap.ts'
import type { HostRollout } from './host-rollout.ts'
import type { HostView } from './host-view.ts'
import { decideStep, type Obstacle } from './step-decision.ts'
import { isBackFromReboot } from './upgrade-record.ts'

/** What a host waits for, and why, in words. */
export interface Waiting {
  readonly kind: 'waiting'
  readonly why: string
  readonly waitsFor: Obstacle | 'gates' | 'slot'
}

/**
 * What a host is to do by what was seen: nothing, for no version was triggered; bootstrap; validate what it runs; wait;
 * go down, for it was to and hasn't yet (`backByMs`, since 1970, is when it fails for that); or upgrade, if a slot is
 * free.
 */
export type NextMove =
  | { readonly kind: 'untriggered' | 'bootstrap' | 'validate' }
  | Waiting
  | { readonly kind: 'reboot'; readonly version: string; readonly backByMs: number }
  | { readonly kind: 'upgrade'; readonly version: string }

export const NO_SLOT: Waiting = { kind: 'waiting', why: 'no slot is free', waitsFor: 'slot' }

/** Waits for the file's gates, as long as it says, and changes nothing. Rejects with a `Failure`. */
export async function nextMove(ctx: Context, rollout: HostRollout, view: HostView): Promise<NextMove> {
  const decision = decideStep(view.facts)
  if (decision.kind === 'untriggered' && wantsBootstrap(rollout, undefined)) return { kind: 'bootstrap' }
  if (decision.kind === 'untriggered') return decision
  if (decision.kind === 'up-to-date') return { kind: 'validate' }
  if (decision.kind === 'wait') return { kind: 'waiting', why: decision.why, waitsFor: decision.for }
  const { version } = decision
  const begun = view.records.inProgress.get(rollout.host)
  if (begun?.backByMs !== undefined && begun.version === version && !isBackFromReboot(begun)) {
    return { kind: 'reboot', version, backByMs: begun.backByMs }
  }
  const shut = await shutGates(ctx, rollout)
  return shut === undefined ? { kind: 'upgrade', version } : { kind: 'waiting', why: shut, waitsFor: 'gates' }
}

/** The gates that are shut, in words; `undefined` when none is. */
async function shutGates(ctx: Context, rollout: HostRollout): Promise<string | undefined> {
  const { gates, timeouts } = rollout.file
  if (gates.length === 0) return undefined
  const end = await awaitGates(ctx, rollout, gates, { timeoutMs: timeouts.gates })
  if (end.passed) return undefined
  return `waiting for ${describeMissing(end.missing)}`
}
