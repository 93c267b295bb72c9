import { isatty } from 'node:tty'
import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import { isMainProcess } from '../../../child/service-notify.ts'
import { Hooks } from '../../../run/hooks.ts'
import { metricsTo } from '../../../run/metrics-file.ts'
import { LastOutput } from '../../../run/output/last-output.ts'
import type { OutputSink } from '../../../run/output/output-plan.ts'
import { allOf, type RunObserver } from '../../../run/run-observer.ts'
import type { RunResult } from '../../../run/run-outcome.ts'
import { BODY_BYTES, pingUrl, RunPing } from '../../../run/run-ping.ts'
import { reportTo } from '../../../run/run-report.ts'
import type { RunSpec } from '../../../run/run-spec.ts'
import { ServiceReporter } from '../../../run/service-reporter.ts'
import { EXIT_OF_FAILURE, exitCodeOf } from '../../exit-codes.ts'
import { variableOf } from '../../syntax/option.ts'
import { onLost } from './on-lost.ts'
import { chosenCodes, type RunCommandOptions } from './syntax.ts'

/** All that want to hear how a run gets on, and the run itself, without what is ours alone of its environment. */
export interface ObservedRun {
  readonly observer: RunObserver
  readonly spec: RunSpec
  /** Wants to hear what the command writes. */
  readonly listener?: OutputSink
}

/** A run inside of this one must not speak in its name. */
const OURS = [variableOf('ping'), variableOf('textfile')]
/** What systemd has given to its main process: another one's words would be taken for ours. */
const OF_SYSTEMD = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']

/** Puts them together, as options and environment want it. Throws a `usage` failure for what can't be. */
export function observedRun(ctx: Context, options: RunCommandOptions, wanted: RunSpec): ObservedRun {
  const { 'report-file': reportFile, textfile, ping, 'on-wait': wait, 'on-release': release } = options
  const isService = isMainProcess(wanted.environment)
  const heldBack = isService ? [...OURS, ...OF_SYSTEMD] : OURS
  const environment = Object.entries(wanted.environment).filter(([name]) => !heldBack.includes(name))
  const spec = { ...wanted, environment: Object.fromEntries(environment) }
  const { lock, runId } = spec
  const codeOf = codesFor(options)
  const hooks = { wait: given(wait), lost: onLost(options).hooks, release: given(release) }
  // What has a terminal keeps it.
  const last = ping !== undefined && !isatty(1) && !isatty(2) ? new LastOutput(BODY_BYTES) : undefined
  const output = async (ctx: Context) => (await last?.text(ctx)) ?? ''
  const isHooked = Object.values(hooks).some((lines) => lines.length > 0)
  const observer = allOf([
    ...given(reportFile).map((file) => reportTo(ctx, file, spec)),
    ...given(textfile).map((file) => metricsTo(ctx, { file, name: lock.name, codeOf })),
    ...given(ping).map((url) => new RunPing(ctx, { url: pingUrl(url), runId, codeOf, output })),
    ...(isService ? [new ServiceReporter(ctx, wanted.environment, spec)] : []),
    ...(isHooked ? [new Hooks(ctx, spec, hooks)] : []),
  ])
  return { observer, spec, ...(last && { listener: last }) }
}

function given(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value]
}

/** The exit code of a run that ended so. */
function codesFor(options: RunCommandOptions) {
  const chosen = chosenCodes(options)
  return (end: RunResult | Failure) =>
    end instanceof Failure ? EXIT_OF_FAILURE[end.code] : exitCodeOf(end.outcome, chosen)
}
