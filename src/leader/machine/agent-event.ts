import type { Peer } from './agent-peer.ts'
import type { ApplicationCall, EffectiveSwitches, FoundRole, Leader } from './agent-state.ts'
import type { HandoverRequest } from './handover-request.ts'
import type { Occasion, SaidPosition } from './occasion.ts'

/** What happens to an agent. */
export type AgentEvent =
  | { readonly kind: 'health'; readonly healthy: boolean; readonly role?: FoundRole | undefined }
  /** `own` is absent when the application doesn't say how much it has. */
  | { readonly kind: 'ready'; readonly ready: boolean; readonly own?: SaidPosition | undefined }
  /** Of a master, which isn't asked whether it is ready. */
  | { readonly kind: 'position'; readonly own: SaidPosition | undefined }
  /** What other nodes have said on this occasion. */
  | { readonly kind: 'positions'; readonly occasion: Occasion; readonly said: ReadonlyMap<string, bigint> }
  | { readonly kind: 'switches'; readonly switches: EffectiveSwitches }
  /** The agents on other nodes. */
  | { readonly kind: 'peers'; readonly peers: readonly Peer[] }
  | SuccessionEvent
  /** A person has us lead, whatever we lack, or no longer. */
  | { readonly kind: 'accepted-loss'; readonly accepted: boolean }
  /** The lock's holder, when it isn't us; known from the lock itself. */
  | { readonly kind: 'leader'; readonly leader: Leader | undefined }
  | { readonly kind: 'won' }
  /** The campaign was given up, and nothing of ours is left of it. */
  | { readonly kind: 'withdrawn' }
  | LossEvent
  | { readonly kind: 'released' }
  /** A call has ended; one that was interrupted or timed out has not succeeded. */
  | {
      readonly kind: 'called'
      readonly call: ApplicationCall
      readonly ok: boolean
      readonly position?: bigint | undefined
    }
  /** An operator asks the master here to hand over; perhaps not for the first time. */
  | { readonly kind: 'step-down'; readonly request: HandoverRequest }
  /** An operator wants the data replaced by the master's; `undefined`: nobody does, any more. */
  | { readonly kind: 'reinit'; readonly id: string | undefined }
  | { readonly kind: 'stop' }
  /** An interval has passed: roles are asserted again. */
  | { readonly kind: 'tick' }
  /** The time for which the machine has asked has come. */
  | { readonly kind: 'wake' }

/** What the cluster remembers of its masters. */
export interface SuccessionEvent {
  readonly kind: 'succession'
  /** Who became master last, unless it has handed over. */
  readonly lastMaster: string | undefined
  /** To whom it hands over. */
  readonly successor: string | undefined
}

/** The lock has left us, or is no longer safe. `hurried`: somebody else may hold it already. */
export interface LossEvent {
  readonly kind: 'lost'
  readonly hurried: boolean
  /** What happened, in words. */
  readonly why?: string
}
