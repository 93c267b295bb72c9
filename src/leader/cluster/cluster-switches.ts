import * as v from 'valibot'
import { storedInstant, storedText } from '../../consul/stored-value.ts'

/** What is switched for one node; what isn't there is off. Instants are ISO dates. */
export interface NodeSwitches {
  readonly disabled?: boolean
  readonly disabledBy?: string
  readonly maintenanceUntil?: string
}

/** Strict, as the cluster's: what else stands there is written over when a switch is changed. */
export const NODE_SWITCHES: v.GenericSchema<unknown, NodeSwitches> = v.strictObject({
  disabled: v.exactOptional(v.boolean()),
  disabledBy: v.exactOptional(storedText),
  maintenanceUntil: v.exactOptional(storedInstant),
})

/** What is switched for the whole cluster, and what it remembers. */
export interface ClusterSwitches {
  readonly maintenanceUntil?: string
  /** There were too many failovers: the last master is waited for, until this instant. */
  readonly frozen?: { readonly since?: string; readonly until?: string; readonly why: string }
  /** When masters were replaced that had not handed over, newest last. */
  readonly failovers?: readonly string[]
  /** The last node that became master. */
  readonly lastMaster?: string
  /** The master that has handed over of its own will; its successor is no failover. */
  readonly handover?: string
  /** Whom it hands over to. */
  readonly successor?: string
  /** How many masters there have been. */
  readonly term?: number
}

export const CLUSTER_SWITCHES: v.GenericSchema<unknown, ClusterSwitches> = v.strictObject({
  maintenanceUntil: v.exactOptional(storedInstant),
  frozen: v.exactOptional(
    v.object({ since: v.exactOptional(storedInstant), until: v.exactOptional(storedInstant), why: storedText }),
  ),
  failovers: v.exactOptional(v.array(storedInstant)),
  lastMaster: v.exactOptional(storedText),
  handover: v.exactOptional(storedText),
  successor: v.exactOptional(storedText),
  term: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))),
})

/** Whether there were too many failovers, at this time of the wall clock. */
export function isFrozen({ frozen }: ClusterSwitches, nowMs: number): boolean {
  return frozen !== undefined && (frozen.until === undefined || Date.parse(frozen.until) > nowMs)
}

/** An operator asks the master on this node to step down. */
export interface StepDown {
  readonly node: string
  readonly by: string
  readonly at: string
  /** Even before its `min_leader_time`, to one that lacks something, or to nobody. */
  readonly force?: boolean
  /** In favour of this node. */
  readonly candidate?: string
  /** Whose request it is: by this the asker knows the answer. */
  readonly id?: string
  /** It was scheduled: nobody waits for the answer, which goes to the history. */
  readonly scheduled?: boolean
  /** The master's answer: why not. */
  readonly refused?: string
}

export const STEP_DOWN: v.GenericSchema<unknown, StepDown> = v.object({
  node: storedText,
  by: storedText,
  at: storedInstant,
  force: v.exactOptional(v.boolean()),
  candidate: v.exactOptional(storedText),
  id: v.exactOptional(storedText),
  scheduled: v.exactOptional(v.boolean()),
  refused: v.exactOptional(storedText),
})

/** Nobody waits for the answer to an older request. */
const REQUEST_MS = 300_000

/** Whether a request still waits for its answer, at this time of the wall clock. */
export function isUnanswered({ at, refused }: StepDown, nowMs: number): boolean {
  return refused === undefined && nowMs - Date.parse(at) < REQUEST_MS
}
