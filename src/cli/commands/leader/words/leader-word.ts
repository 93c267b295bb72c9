import type { Context } from '../../../../base/context.ts'
import type { ClusterAccess } from '../../../../leader/cluster/cluster-access.ts'
import type { LeaderRequest } from '../syntax.ts'

/** What an operator asks with one word of `leader`. */
export interface LeaderWordCall {
  readonly ctx: Context
  readonly request: LeaderRequest
  readonly options: LeaderRequest['options']
  readonly access: ClusterAccess
  /** The word behind the application's name, where one is taken. */
  readonly operand: string | undefined
  /** The node that was named with `--node`, or this agent's own. */
  readonly node: () => Promise<string>
}

/** Does it. Settles with the exit code; rejects with a `Failure`. */
export type Word = (call: LeaderWordCall) => Promise<number>
