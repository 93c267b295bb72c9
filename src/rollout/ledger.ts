import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, watchKeys } from '../consul/kv.ts'
import { type FailedHost, parseFailure } from './failures.ts'
import { type InProgress, parseInProgress } from './in-progress.ts'
import type { Nodes } from './nodes.ts'
import type { RolloutKeys } from './rollout-keys.ts'

/** What hosts have written down beside their versions, and the slots that they hold: all of one moment. */
export interface Ledger {
  /** The failures that hosts recorded, and the upgrades that stand still half-way: both stop a rollout. */
  readonly failed: readonly FailedHost[]
  readonly inProgress: ReadonlyMap<string, InProgress>
  /** The hosts whose own slot is held: a step of theirs changes them now. */
  readonly atWork: ReadonlySet<string>
  /** The version that was triggered by force last. */
  readonly forced: { readonly version: string; readonly index: number } | undefined
  readonly nodes: Nodes
  readonly entries: readonly Entry[]
}

/**
 * Reads it in one request: an upgrade that ends between two of them would look like one that was left half-way. What
 * failed, or has begun, is told before a slot is given back, so whoever gets that next knows it.
 */
export async function readLedger(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<Ledger> {
  const { entries } = await watchKeys(ctx, consul, keys.own, { consistent: true })
  return ledgerOf(keys, entries, ctx.clock.now().wallMs)
}

/** What these entries say; `nowMs` is for how long ago something was. */
export function ledgerOf(keys: RolloutKeys, entries: readonly Entry[], nowMs: number): Ledger {
  const below = (folder: string) =>
    entries
      .filter(({ key }) => key.startsWith(folder))
      .map((entry) => ({ entry, name: entry.key.slice(folder.length) }))
  const held = below(keys.hostSlots('')).filter(({ entry }) => entry.session !== undefined)
  const atWork = new Set(held.map(({ name }) => name.split('/')[0] ?? ''))
  const recorded = below(keys.failed).map(({ entry, name }) => parseFailure(name, entry.value))
  const inProgress = below(keys.inProgress).map(({ entry, name }) => parseInProgress(name, entry.value))
  const known = new Set(recorded.map(({ host }) => host))
  const isExpected = ({ backByMs }: InProgress) => backByMs !== undefined && nowMs < backByMs
  const halfway = inProgress.filter((one) => !atWork.has(one.host) && !known.has(one.host) && !isExpected(one))
  const forced = entries.find(({ key }) => key === keys.forced)
  return {
    failed: [...recorded, ...halfway.map((one) => ({ ...one, why: whyHalfway(one, nowMs) }))],
    inProgress: new Map(inProgress.map((one) => [one.host, one])),
    atWork,
    forced: forced && { version: forced.value, index: forced.modifyIndex },
    nodes: new Map(below(keys.nodes).map(({ entry, name }) => [name, entry.value])),
    entries,
  }
}

function whyHalfway({ sinceMs, backByMs }: InProgress, nowMs: number): string {
  if (backByMs !== undefined) return 'it is not back from its reboot'
  const when = sinceMs === undefined ? '' : `, ${formatDuration(Math.max(0, nowMs - sinceMs))} ago,`
  return `its upgrade began${when} and has not ended`
}
