import type { Call, Effective, Leader } from './state.ts'

/** What happens to an agent. */
export type Event =
  | { readonly kind: 'health'; readonly healthy: boolean }
  | { readonly kind: 'ready'; readonly ready: boolean }
  | { readonly kind: 'switches'; readonly switches: Effective }
  | { readonly kind: 'outranked'; readonly outranked: boolean }
  /** The lock's holder, when it isn't us; known from the lock itself. */
  | { readonly kind: 'leader'; readonly leader: Leader | undefined }
  | { readonly kind: 'won' }
  /** The contest was given up, and nothing of ours is left of it. */
  | { readonly kind: 'withdrawn' }
  | LossEvent
  | { readonly kind: 'released' }
  /** A call has ended; one that was interrupted or timed out has not succeeded. */
  | { readonly kind: 'called'; readonly call: Call; readonly ok: boolean }
  | { readonly kind: 'step-down'; readonly force: boolean }
  | { readonly kind: 'stop' }
  /** An interval has passed: roles are asserted again. */
  | { readonly kind: 'tick' }

/** The lock has left us, or is no longer safe. `hurried`: somebody else may hold it already. */
export interface LossEvent {
  readonly kind: 'lost'
  readonly hurried: boolean
}
