import type { Context } from '../../base/context.ts'
import type { Subject } from './subject.ts'
import type { Verdict } from './verdict.ts'

/** One promise of docs/leader-handlers.md. */
export interface Check {
  readonly title: string
  run(ctx: Context, subject: Subject): Promise<Verdict>
}
