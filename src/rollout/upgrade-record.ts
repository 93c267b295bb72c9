import * as v from 'valibot'
import { storedAs, storedInstant, storedText } from '../consul/stored-value.ts'
import type { TxnOp } from '../consul/txn.ts'
import { bootId } from '../host/boot-id.ts'
import type { RolloutKeys } from './rollout-keys.ts'

/**
 * An upgrade of a host that has begun and has not come to its good end, as it is recorded at Consul. A host that dies
 * of its upgrade can't tell of that; this record, and that nobody holds the host's slot any more, does.
 */
export interface UpgradeRecord {
  readonly host: string
  /** `undefined`: nobody knows. */
  readonly version: string | undefined
  /** When it began, in milliseconds since 1970 by the host's clock. */
  readonly sinceMs: number | undefined
  /** Which start of the host it began in. */
  readonly boot: string | undefined
  /** Its commands are done and the host reboots: until when it must be back, by the same clock. */
  readonly backByMs: number | undefined
}

const RECORD = v.object({
  version: storedText,
  since: storedInstant,
  boot: storedText,
  back_by: v.optional(storedInstant),
})

/** The step that records that a host's upgrade has begun, or that the host reboots for it. */
export function upgradeRecordStep(keys: RolloutKeys, upgrade: UpgradeRecord & { readonly version: string }): TxnOp {
  const { host, version, sinceMs, boot, backByMs } = upgrade
  const value = JSON.stringify({ version, since: iso(sinceMs), boot, back_by: iso(backByMs) })
  return { verb: 'set', key: keys.inProgressOn(host), value }
}

/** An upgrade that begins now. */
export function newUpgradeRecord(
  host: string,
  version: string,
  nowMs: number,
): UpgradeRecord & { readonly version: string } {
  return { host, version, sinceMs: nowMs, boot: bootId(), backByMs: undefined }
}

/** What nobody can read may be an upgrade to any version. */
export function parseUpgradeRecord(host: string, value: string): UpgradeRecord {
  const { version, since, boot, back_by } = storedAs(RECORD, value) ?? {}
  return { host, version, sinceMs: instant(since), boot, backByMs: instant(back_by) }
}

/**
 * Whether the host has been started anew since it was to reboot. One that reboots is not back for whom can't see that.
 */
export function isBackFromReboot({ boot, backByMs }: UpgradeRecord): boolean {
  return backByMs !== undefined && boot !== bootId()
}

function iso(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString()
}

function instant(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text)
}
