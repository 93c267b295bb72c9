import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import type { ClusterId } from './cluster-site.ts'
import type { Direction } from './flags.ts'
import type { NodeAt } from './roles.ts'
import type { StepOutput } from './step-printer.ts'
import type { SwitchLock } from './switch-lock.ts'

/** What a switch needs of the world. */
export interface SwitchWorld {
  readonly consul: Consul
  readonly cluster: ClusterId
  /** The node that we run on. */
  readonly self: NodeAt
  /** Proves in each transaction that the lock is ours. */
  readonly lock: SwitchLock
  readonly output: StepOutput
  /** Does what the watch on our own node's flag would do: nothing, when that has done it already. */
  handleOwnFlag(ctx: Context, direction: Direction): Promise<void>
  /**
   * Switches a node off that is left out; rejects with a `Failure` when it may be on. `undefined`: nobody can.
   */
  readonly fence: ((ctx: Context, at: NodeAt) => Promise<void>) | undefined
  /** Aborts when somebody wants us to stop; that undoes a switch which has not swapped the roles yet. */
  readonly interruption: AbortSignal
}

/** How long a switch waits, in milliseconds. */
export interface SwitchTimeouts {
  /** For one step. */
  readonly stepMs: number
  /** For a node that is dead, or on which the service is; 0: not at all; `undefined`: as for any other step. */
  readonly deadAfterMs: number | undefined
}

/** How a switch ended: done, though some may still owe their part; or undone, for which it says who is primary. */
export type SwitchResult =
  | {
      readonly kind: 'switched'
      /** Nodes that were dead and left out. */
      readonly skipped: readonly NodeAt[]
      /** Datacenters that keep their old roles as yet. */
      readonly owed: readonly string[]
      /** New primaries of which nobody can tell whether their services run. */
      readonly untold: readonly string[]
    }
  | {
      readonly kind: 'undone'
      readonly why: string
      readonly primary: 'old' | 'new'
      /** No node is known to run the service. */
      readonly nowhere: boolean
    }
