import type { ApplicationCall, Leader, YieldReason } from './agent-state.ts'

/** What an agent is to do now. */
export type AgentAction =
  /** Contend for the lock, until `won` or withdrawn. */
  | { readonly kind: 'contend' }
  | { readonly kind: 'withdraw' }
  /** Give the lock back. The application is no master any more. */
  | { readonly kind: 'release' }
  /** Leave the lock to expire: the application can't be kept from being master. */
  | { readonly kind: 'abandon' }
  | {
      readonly kind: 'call'
      readonly call: ApplicationCall
      /** For `ensure-slave`. */
      readonly leader: Leader | undefined
      /** As short as can be: somebody else may be master already. */
      readonly hurried: boolean
    }
  /** End the call under way; `called` follows. */
  | { readonly kind: 'interrupt' }
  /** Tell the slaves that the application is master now. */
  | { readonly kind: 'announce' }
  /** `successor`: who is to lead next. */
  | { readonly kind: 'yield'; readonly reason: YieldReason; readonly successor?: string | undefined }
  /** An operator's request, by its index at Consul, is granted or refused. */
  | { readonly kind: 'grant-step-down'; readonly index: number }
  | { readonly kind: 'refuse-step-down'; readonly index: number; readonly why: string }
  /** Have a `wake` follow then. */
  | { readonly kind: 'wake'; readonly atMs: number }
  /** The agent's work is done; `clean`: the application was left as no master. */
  | { readonly kind: 'finish'; readonly clean: boolean }
