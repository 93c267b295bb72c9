import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import type { Direction } from './flags.ts'
import type { Teller } from './lines.ts'
import type { NodeAt } from './roles.ts'
import type { Cluster } from './site.ts'
import type { Turn } from './turn.ts'

/** What a switch needs of the world. */
export interface SwitchWorld {
  readonly consul: Consul
  readonly cluster: Cluster
  /** The node that we run on. */
  readonly self: NodeAt
  /** Proves in each transaction that the lock is ours. */
  readonly turn: Turn
  readonly teller: Teller
  /** Does what the watch on our own node's flag would do: nothing, when that has done it already. */
  attend(ctx: Context, direction: Direction): Promise<void>
  /** Aborts when somebody wants us to stop; that undoes a switch which has not swapped the roles yet. */
  readonly interruption: AbortSignal
}

/** How long a switch waits, in milliseconds. */
export interface Patience {
  /** For one step. */
  readonly stepMs: number
  /** For a node that is dead, or on which the service is; 0: not at all; `undefined`: as for any other step. */
  readonly deadAfterMs: number | undefined
}

/** How a switch ended: done, though some may still owe their part; or undone, for which it says who is primary. */
export type SwitchEnd =
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
