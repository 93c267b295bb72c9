import type { Context } from '../../../base/context.ts'
import type { Consul } from '../../../consul/consul.ts'
import type { CommandOutput } from '../../../run/output/command-output.ts'
import type { OutputSink } from '../../../run/output/output-plan.ts'
import type { RunDependencies, RunSpec } from '../../../run/run-spec.ts'
import { isPeriodic } from '../../options/period-options.ts'
import type { ObservedRun } from './run-observers.ts'
import type { RunCommandOptions } from './syntax.ts'

// Parts of a run that few want: each is loaded when it is wanted, and costs the others nothing.

/** Options that want to hear how a run gets on. */
const OBSERVING = ['report-file', 'on-wait', 'on-lost', 'on-release', 'textfile', 'ping'] as const

/**
 * Who hears how the run gets on, if anybody does, and the run as it is for them; of most runs nobody, and nothing is
 * loaded for them.
 */
export async function observed(
  ctx: Context,
  options: RunCommandOptions,
  spec: RunSpec,
): Promise<Pick<ObservedRun, 'spec'> & Partial<ObservedRun>> {
  const isObserved = OBSERVING.some((name) => (options[name]?.length ?? 0) > 0) || spec.environment.NOTIFY_SOCKET
  return isObserved ? (await import('./run-observers.ts')).observedRun(ctx, options, spec) : { spec }
}

/** Most runs contend from any node, and load nothing to look at it. */
export async function healthRequired(
  consul: Consul,
  { 'require-healthy': service }: RunCommandOptions,
): Promise<Pick<RunDependencies, 'contend'>> {
  if (service === undefined) return {}
  const { HealthyNode } = await import('../../../run/healthy-node.ts')
  return { contend: new HealthyNode(consul, service || undefined).contend }
}

/** Most commands have our own streams, and nothing is loaded for them. */
export async function outputOf(
  ctx: Context,
  options: RunCommandOptions,
  environment: NodeJS.ProcessEnv,
  listener: OutputSink | undefined,
): Promise<CommandOutput | undefined> {
  const { tee, 'tee-size': teeSize, timestamps, 'quiet-unless-fail': quietUnlessFail } = options
  const isOnItsWay = [tee, teeSize, listener].some((one) => one !== undefined) || timestamps || quietUnlessFail
  return isOnItsWay ? (await import('./run-output.ts')).openOutput(ctx, options, environment, listener) : undefined
}

/** A run whose `--on-acquire` comes before the command. */
export async function withOnAcquire(
  dependencies: RunDependencies,
  spec: RunSpec,
  { 'on-acquire': line }: RunCommandOptions,
): Promise<RunDependencies> {
  if (line === undefined) return dependencies
  const { OnAcquire } = await import('../../../run/on-acquire.ts')
  const hook = new OnAcquire(dependencies, spec, line)
  return { ...dependencies, prepare: hook.prepare.bind(hook) }
}

/** What keeps the lock beyond the command's end. */
export async function holdingOn(options: RunCommandOptions): Promise<Pick<RunDependencies, 'holdFor'>> {
  if (options['hold-at-least'] === undefined) return {}
  const { holdFor } = await import('../../../run/hold-at-least.ts')
  return { holdFor }
}

/** What makes a run one that comes once in a period; most runs come as often as they are started, and load nothing. */
export async function periodOf(
  ctx: Context,
  options: RunCommandOptions,
): Promise<(consul: Consul, spec: RunSpec) => RunSpec> {
  if (!isPeriodic(options)) return (_, spec) => spec
  const { requestedPeriod } = await import('../../options/requested-period.ts')
  const { inPeriod } = await import('../../../run/history/period-rider.ts')
  const period = requestedPeriod(ctx, options)
  return (consul, spec) => inPeriod(consul, spec, period)
}

/** Most runs have none, and load nothing for them. */
export async function gatesAround(
  options: RunCommandOptions,
  environment: NodeJS.ProcessEnv,
): Promise<Partial<RunDependencies>> {
  const { gate, 'release-when': releaseWhen, 'release-timeout': releaseTimeoutMs, settle } = options
  const isGated = gate.length > 0 || releaseWhen.length > 0 || releaseTimeoutMs !== undefined || settle !== undefined
  return isGated ? (await import('./run-gates.ts')).gatesOf(options, environment) : {}
}
