import type { Context } from '../../../base/context.ts'
import { checkGuardianPrerequisites } from '../../../child/guardian-prerequisites.ts'
import { GuardianSupervisor } from '../../../child/guardian-supervisor.ts'
import { internalRelease } from '../../../child/internal-command.ts'
import { markerOf } from '../../../run/child-environment.ts'
import type { RunSpec } from '../../../run/run-spec.ts'
import { consulVariables } from '../../connection/consul-variables.ts'
import { releasedOf } from '../../options/lock-options.ts'
import { variableOf } from '../../syntax/option.ts'
import type { RunCommandOptions } from './syntax.ts'

const WAY_OUT = 'do without a guardian by --no-guardian'

/**
 * Starts a guardian that runs this very executable to give the lock back. Throws a `usage` failure when it could not do
 * its work here.
 */
export function startGuardian(ctx: Context, spec: RunSpec, options: RunCommandOptions): GuardianSupervisor {
  checkGuardianPrerequisites(spec.environment.PATH, WAY_OUT)
  return new GuardianSupervisor(ctx.clock, ctx.log, {
    ...(spec.lossSignal && { signal: spec.lossSignal }),
    graceMs: spec.lock.timing.graceMs,
    marker: markerOf(spec.mark),
    ...internalRelease(...releasedOf(spec.lock, options), { ...spec.environment, ...asVariables(options) }),
    wayOut: WAY_OUT,
  })
}

/** How to reach Consul, and how to talk. */
function asVariables(options: RunCommandOptions): NodeJS.ProcessEnv {
  const { 'log-format': form, quiet } = options
  return {
    ...consulVariables(options),
    ...(form !== undefined && { [variableOf('log-format')]: form }),
    ...(quiet && { [variableOf('quiet')]: 'true' }),
  }
}
