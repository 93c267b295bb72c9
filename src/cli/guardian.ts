import type { Context } from '../base/context.ts'
import { ShellGuardian } from '../child/guardian.ts'
import { markerOf } from '../run/environment.ts'
import type { Job } from '../run/job.ts'
import { forErrand } from './errands.ts'
import { RUN_OPTIONS, variableOf } from './options.ts'
import type { Parsed } from './parse.ts'

const RELEASE = ':release'

/** Starts a guardian that runs this very executable to give the lock back. */
export function startGuardian(ctx: Context, job: Job, parsed: Parsed): ShellGuardian {
  return new ShellGuardian(ctx.clock, ctx.log, {
    graceMs: job.timing.graceMs,
    marker: markerOf(job.mark),
    release: [process.execPath, RELEASE, job.key],
    environment: forErrand(RELEASE, { ...job.environment, ...asVariables(parsed.options) }),
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
