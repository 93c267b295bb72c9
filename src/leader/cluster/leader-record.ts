import * as v from 'valibot'
import { storedInstant, storedText } from '../../consul/stored-value.ts'
import { holderRecord } from '../../lock/holder-record.ts'
import type { Timing } from '../../lock/lease-timing.ts'

/** The lock's value: who is master, for its slaves. A `HolderRecord` with more to it. */
export interface LeaderRecord {
  /** The Consul node: `{master_host}`. */
  readonly node: string
  /** `{master_address}` */
  readonly address: string
  /** `{master_port}` */
  readonly port: number
  /** Since when it holds the lock, as an ISO date. */
  readonly since: string
  /** False until `ensure_master` has succeeded; slaves follow only then. */
  readonly promoted: boolean
  /** The machine's boot, by which an agent that was restarted there knows its former life. */
  readonly boot: string
  readonly pid: number
  readonly runId: string
}

/** Who is master must be plain; the rest may be missing in what another tool has written. */
export const LEADER_RECORD: v.GenericSchema<unknown, Partial<LeaderRecord>> = v.object({
  node: storedText,
  address: storedText,
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  since: v.exactOptional(storedInstant),
  promoted: v.exactOptional(v.boolean()),
  boot: v.exactOptional(storedText),
  pid: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  runId: v.exactOptional(storedText),
})

/** Who an agent is. */
export interface AgentIdentity {
  readonly node: string
  /** Where the application is for others. */
  readonly address: string
  readonly port: number
  readonly pid: number
  readonly user: string
  readonly runId: string
  /** The machine's boot. */
  readonly boot: string
}

/** What the lock's value says while this agent holds it. */
export function leaderRecordText(
  identity: AgentIdentity,
  about: { readonly name: string; readonly timing: Timing; readonly since: string; readonly promoted: boolean },
): string {
  const { node, address, port, pid, user, runId, boot } = identity
  const { name, timing, since, promoted } = about
  const leader = { node, address, port, since, promoted, boot } satisfies Partial<LeaderRecord>
  return holderRecord({ host: node, pid, user, command: ['leader', name], runId }, timing, Date.parse(since), leader)
}
