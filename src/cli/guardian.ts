import type { Context } from '../base/context.ts'
import { ShellGuardian } from '../child/guardian.ts'
import { checkSurroundings } from '../child/guardian-needs.ts'
import { markerOf } from '../run/environment.ts'
import type { Job } from '../run/job.ts'
import { forErrand } from './errands.ts'
import { RUN_OPTIONS, variableOf } from './options.ts'
import type { Parsed } from './parse.ts'

const RELEASE = ':release'

const WAY_OUT = 'do without a guardian by --no-guardian'

/**
 * Starts a guardian that runs this very executable to give the lock back. Throws a `usage` failure when it could not do
 * its work here.
 */
export function startGuardian(ctx: Context, job: Job, parsed: Parsed): ShellGuardian {
  checkSurroundings(job.environment.PATH, WAY_OUT)
  return new ShellGuardian(ctx.clock, ctx.log, {
    graceMs: job.timing.graceMs,
    marker: markerOf(job.mark),
    release: [process.execPath, RELEASE, job.key],
    environment: forErrand(RELEASE, { ...job.environment, ...asVariables(parsed.options) }),
    wayOut: WAY_OUT,
  })
}

/** Options as environment variables: others may read our arguments, and a token is no business of theirs. */
function asVariables(options: Parsed['options']): NodeJS.ProcessEnv {
  const known = Object.keys(RUN_OPTIONS)
  return Object.fromEntries(
    Object.entries(options)
      // What may be repeated is about the run alone, and not about giving a lock back.
      .filter(([name, value]) => known.includes(name) && !Array.isArray(value))
      .map(([name, value]) => [variableOf(name), String(value)]),
  )
}
