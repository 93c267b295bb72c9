import type { Context } from '../../../base/context.ts'
import type { HostRollout } from '../../../rollout/host-rollout.ts'
import type { RolloutCommandOptions } from './syntax.ts'

/** What is asked of a rollout. */
export interface RolloutRequest {
  readonly ctx: Context
  readonly rollout: HostRollout
  /** The words behind the first. */
  readonly words: readonly string[]
  readonly options: RolloutCommandOptions
}
