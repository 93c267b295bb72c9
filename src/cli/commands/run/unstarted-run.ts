import type { Context } from '../../../base/context.ts'
import type { Period } from '../../../run/history/period.ts'
import type { RunSpec } from '../../../run/run-spec.ts'
import { isPeriodic } from '../../options/period-options.ts'
import { requestedPeriod } from '../../options/requested-period.ts'
import type { Parsed } from '../../syntax/parse.ts'
import { checkEncoding } from '../../user-command/argument-encoding.ts'
import { requestedRun } from './requested-run.ts'
import { gatesOf } from './run-gates.ts'
import { RUN_SYNTAX, type RunCommandOptions } from './syntax.ts'

/** A run that isn't started by us now, and its period, if it has one. */
export interface UnstartedRun {
  readonly spec: RunSpec
  readonly period: Period | undefined
}

const NOBODY = () => ({ host: '', pid: 0, user: '' })

/**
 * The run that options and words ask for; all of them are looked at, for one that makes no sense is to be heard of now,
 * and not at night. Throws the `usage` failure that the run itself would.
 */
export function unstartedRun(
  ctx: Context,
  parsed: Pick<Parsed<typeof RUN_SYNTAX.options>, 'options' | 'words'>,
  environment: NodeJS.ProcessEnv,
): UnstartedRun {
  const { options } = parsed
  for (const name of Object.keys(RUN_SYNTAX.options)) void options[name as keyof RunCommandOptions]
  const spec = requestedRun(parsed, environment, NOBODY)
  gatesOf(options, environment)
  const period = isPeriodic(options) ? requestedPeriod(ctx, options) : undefined
  checkEncoding(spec.command)
  return { spec, period }
}
