import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import { awaitGates, type GateWait } from '../../../gate/await-gates.ts'
import type { Gate } from '../../../gate/gate.ts'
import { parseGate } from '../../../gate/gate-grammar.ts'
import type { GateSources } from '../../../gate/gate-watch.ts'
import { describeMissing, MissingReporter } from '../../../gate/missing-reporter.ts'
import type { RunDependencies } from '../../../run/run-spec.ts'
import { connect } from '../../connection/connect.ts'
import type { RunCommandOptions } from './syntax.ts'

const RELEASE_TIMEOUT_MS = 600_000

/** For how long at most `--release-when` is waited for. */
export function releaseTimeoutMsOf({ 'release-timeout': ms = RELEASE_TIMEOUT_MS }: RunCommandOptions): number {
  return ms
}

/** The gates that options put around a run. Throws a `usage` failure. */
export function gatesOf(
  options: RunCommandOptions,
  environment: NodeJS.ProcessEnv,
): Pick<RunDependencies, 'startGates' | 'releaseGates'> {
  const world: GateSources = { connect: () => connect(options, environment), environment }
  const before = options.gate.map(parseGate)
  const after = options['release-when'].map(parseGate)
  const steadyMs = options.settle ?? 0
  if (options['release-timeout'] !== undefined && after.length === 0) {
    throw new Failure('usage', '--release-timeout bounds the wait for --release-when, and there is none', {
      hint: 'leave it out, or tell what to wait for',
    })
  }
  const wait = { steadyMs, timeoutMs: releaseTimeoutMsOf(options) }
  return {
    ...(before.length > 0 && {
      startGates: (ctx: Context, timeoutMs: number) => missing(ctx, world, before, 'waiting for', { timeoutMs }),
    }),
    ...((after.length > 0 || steadyMs > 0) && {
      releaseGates: (ctx: Context) => missing(ctx, world, after, 'keeping the lock until', wait),
    }),
  }
}

async function missing(
  ctx: Context,
  world: GateSources,
  gates: readonly Gate[],
  beginning: string,
  wait: GateWait,
): Promise<readonly string[]> {
  using line = new MissingReporter(ctx, beginning)
  const end = await awaitGates(ctx, world, gates, { ...wait, onMissing: line.update.bind(line) })
  return end.passed ? [] : end.missing.map((one) => describeMissing([one]))
}
