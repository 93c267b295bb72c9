import type { Context } from '../../base/context.ts'
import { streamOf, unlessReaderGone } from './command-output.ts'
import { FIRST_PIPE } from './fallback-reader.ts'
import { OutputPath } from './output-path.ts'
import type { OutputPlan } from './output-plan.ts'
import { Pump } from './pump.ts'
import { Spool } from './spool.ts'

/** What a fallback reader is told. */
export interface Inheritance {
  readonly plan: OutputPlan
  /** How many pipes it has. */
  readonly pipes: number
  /** Whether it has a spool behind them. */
  readonly isSpooled: boolean
}

/**
 * Carries on in place of a runner that was killed: shows what that had held back, for it was no success, and what the
 * command still writes. Settles when nobody can write any more.
 */
export async function carryOn(ctx: Context, { plan, pipes, isSpooled }: Inheritance): Promise<void> {
  const path = new OutputPath(ctx, plan, isSpooled ? Spool.adopt(FIRST_PIPE + pipes) : undefined)
  await path.show().catch(unlessReaderGone)
  const pumps = Array.from({ length: pipes }, (_, n) => new Pump(FIRST_PIPE + n, streamOf(n)))
  await Promise.all(pumps.map((pump) => pump.run(path, ctx.signal).catch(unlessReaderGone)))
  path.close()
}
