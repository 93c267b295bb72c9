import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { oneLine } from '../base/printable.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, watchKeys } from '../consul/kv.ts'
import { isLock } from '../lock/lock-keys.ts'
import { type FailedHost, parseFailure } from './failures.ts'
import type { HostNodes } from './host-nodes.ts'
import { keyWordFault, type RolloutKeys } from './rollout-keys.ts'
import { parseUpgradeRecord, type UpgradeRecord } from './upgrade-record.ts'

/** What hosts have written down beside their versions, and the slots that they hold: all of one moment. */
export interface FleetRecords {
  /** The failures that hosts recorded, and the upgrades that stand still half-way: both stop a rollout. */
  readonly failed: readonly FailedHost[]
  readonly inProgress: ReadonlyMap<string, UpgradeRecord>
  /** The hosts whose own slot is held: a step of theirs changes them now. */
  readonly upgrading: ReadonlySet<string>
  /** The version that was triggered by force last. */
  readonly forced: { readonly version: string; readonly index: number } | undefined
  readonly nodes: HostNodes
  readonly entries: readonly Entry[]
}

/**
 * Reads it in one request: an upgrade that ends between two of them would look like one that was left half-way. What
 * failed, or has begun, is told before a slot is given back, so whoever gets that next knows it. Rejects with a
 * `Failure`; with a `malformed` one when something else stands there.
 */
export async function readFleetRecords(ctx: Context, consul: Consul, keys: RolloutKeys): Promise<FleetRecords> {
  const { entries } = await watchKeys(ctx, consul, keys.own, { consistent: true })
  return fleetRecordsOf(keys, entries, ctx.clock.now().wallMs)
}

/**
 * What these entries say; `nowMs` is for how long ago something was. Throws a `malformed` failure when something else
 * stands there: nobody knows whom it should stop, and a slot with data in it would be written over.
 */
export function fleetRecordsOf(keys: RolloutKeys, all: readonly Entry[], nowMs: number): FleetRecords {
  const entries = all.filter(({ key }) => !key.endsWith('/'))
  const below = (folder: string) =>
    entries
      .filter(({ key }) => key.startsWith(folder))
      .map((entry) => ({ entry, name: entry.key.slice(folder.length) }))
  for (const { entry, name } of [keys.failed, keys.inProgress, keys.nodes].flatMap(below)) {
    if (keyWordFault(name) !== undefined) throw notOurs(entry, "is no host's record")
  }
  for (const { entry } of below(keys.slots)) if (!isLock(entry)) throw notOurs(entry, 'is no slot')
  const held = below(keys.hostSlots('')).filter(({ entry }) => entry.session !== undefined)
  const upgrading = new Set(held.map(({ name }) => name.split('/')[0] ?? ''))
  const recorded = below(keys.failed).map(({ entry, name }) => parseFailure(name, entry.value))
  const inProgress = below(keys.inProgress).map(({ entry, name }) => parseUpgradeRecord(name, entry.value))
  const known = new Set(recorded.map(({ host }) => host))
  const isExpected = ({ backByMs }: UpgradeRecord) => backByMs !== undefined && nowMs < backByMs
  const unfinished = inProgress.filter((one) => !upgrading.has(one.host) && !known.has(one.host) && !isExpected(one))
  const forced = entries.find(({ key }) => key === keys.forced)
  return {
    failed: [...recorded, ...unfinished.map((one) => ({ ...one, why: whyHalfway(one, nowMs) }))],
    inProgress: new Map(inProgress.map((one) => [one.host, one])),
    upgrading,
    forced: forced && { version: forced.value, index: forced.modifyIndex },
    nodes: new Map(below(keys.nodes).map(({ entry, name }) => [name, entry.value])),
    entries,
  }
}

function notOurs({ key }: Entry, what: string): Failure {
  return new Failure('malformed', `what stands at the key ${oneLine(key, 300)} ${what}`, {
    hint: `if nobody needs it: consul kv delete ${oneLine(key, 300)}`,
  })
}

function whyHalfway({ sinceMs, backByMs }: UpgradeRecord, nowMs: number): string {
  if (backByMs !== undefined) return 'it is not back from its reboot'
  const when = sinceMs === undefined ? '' : `, ${formatDuration(Math.max(0, nowMs - sinceMs))} ago,`
  return `its upgrade began${when} and has not ended`
}
