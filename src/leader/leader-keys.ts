import * as v from 'valibot'
import { storedInstant, storedText } from '../consul/stored-value.ts'

/**
 * What an application's agents keep at Consul. With the default `lock_key`, `lock/<name>/leader`:
 *
 * - `lock/<name>/leader`: the lock. Its value is the master's `LeaderRecord`; it counts only while a session holds it.
 * - `lock/<name>/nodes/<node>`: a node's `NodeSwitches`
 * - `lock/<name>/cluster`: the `ClusterSwitches`
 * - `lock/<name>/step-down`: a `StepDown` that the master takes and deletes
 *
 * A `lock_key` that doesn't end in `/leader` is itself the folder of the others. All changes are transactions with
 * check-and-set, so that of two operators none undoes what the other did.
 */
export interface LeaderKeys {
  readonly lock: string
  /** All keys begin with this, and so may others'. */
  readonly prefix: string
  readonly cluster: string
  readonly stepDown: string
  /** The folder of the nodes' switches, slash included. */
  readonly nodes: string
}

/** The keys of an application. */
export function leaderKeys(name: string, lockKey = `lock/${name}/leader`): LeaderKeys {
  const folder = lockKey.replace(/\/leader$/, '')
  const prefix = folder === lockKey ? lockKey : `${folder}/`
  return {
    lock: lockKey,
    prefix,
    cluster: `${folder}/cluster`,
    stepDown: `${folder}/step-down`,
    nodes: `${folder}/nodes/`,
  }
}

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
}

/** Who is master must be plain; the rest may be missing in what another tool has written. */
export const LEADER_RECORD: v.GenericSchema<unknown, Partial<LeaderRecord>> = v.object({
  node: storedText,
  address: storedText,
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  since: v.exactOptional(storedInstant),
  promoted: v.exactOptional(v.boolean()),
})

/** What is switched for one node; what isn't there is off. Instants are ISO dates. */
export interface NodeSwitches {
  readonly disabled?: boolean
  readonly maintenanceUntil?: string
}

/** Strict, as the cluster's: what else stands there is written over when a switch is changed. */
export const NODE_SWITCHES: v.GenericSchema<unknown, NodeSwitches> = v.strictObject({
  disabled: v.exactOptional(v.boolean()),
  maintenanceUntil: v.exactOptional(storedInstant),
})

/** What is switched for the whole cluster, and what it remembers. */
export interface ClusterSwitches {
  readonly maintenanceUntil?: string
  /** Nobody is promoted until a person has looked. */
  readonly frozen?: { readonly since?: string; readonly why: string }
  /** When masters were replaced that had not handed over, newest last. */
  readonly failovers?: readonly string[]
  /** The last node that became master. */
  readonly lastMaster?: string
  /** The master that has handed over of its own will; its successor is no failover. */
  readonly handover?: string
}

export const CLUSTER_SWITCHES: v.GenericSchema<unknown, ClusterSwitches> = v.strictObject({
  maintenanceUntil: v.exactOptional(storedInstant),
  frozen: v.exactOptional(v.object({ since: v.exactOptional(storedInstant), why: storedText })),
  failovers: v.exactOptional(v.array(storedInstant)),
  lastMaster: v.exactOptional(storedText),
  handover: v.exactOptional(storedText),
})

/** An operator asks the master on this node to step down. */
export interface StepDown {
  readonly node: string
  readonly by: string
  readonly at: string
  /** Even before its `min_leader_time`. */
  readonly force?: boolean
}

export const STEP_DOWN: v.GenericSchema<unknown, StepDown> = v.object({
  node: storedText,
  by: storedText,
  at: storedInstant,
  force: v.exactOptional(v.boolean()),
})
