import { readFileSync } from 'node:fs'
import type { Context } from '../base/context.ts'
import { Failure, reasonOf } from '../base/failure.ts'
import { type Metric, prometheusText } from '../base/prometheus.ts'
import { checkWritable, writeAtomically } from '../host/atomic-write.ts'
import { destinationOf } from '../host/destination.ts'
import type { RunObserver } from './run-observer.ts'
import type { RunResult } from './run-outcome.ts'

/** What is told of whom. */
export interface MetricsPlan {
  readonly file: string
  /** The lock's name: the label of all metrics. */
  readonly name: string
  /** The exit code of a run that ended so. */
  readonly codeOf: (end: RunResult | Failure) => number
}

const PREFIX = 'consul_locker_run'
const LAST_SUCCESS = `${PREFIX}_last_success_timestamp_seconds`
/** node_exporter's collector reads these only. */
const ENDING = '.prom'
/** Of a file that is there. Ours have less than two thousand bytes. */
const LARGEST = 64 * 1024

/**
 * Writes how the last run ended to a file for node_exporter's textfile collector. The time of the last success stays in
 * it when a run fails. A run that didn't come to have the lock, since others had it, changes nothing: the last one of
 * this machine stays. Throws a `usage` failure for a file that isn't to be written.
 */
export function metricsTo(ctx: Context, plan: MetricsPlan): RunObserver {
  const { file, name, codeOf } = plan
  check(plan)
  return {
    finished(end) {
      if (!(end instanceof Failure) && end.fence === undefined) return
      try {
        const nowS = ctx.clock.now().wallMs / 1000
        const code = codeOf(end)
        const successAt = code === 0 ? nowS : lastSuccess(textOf(file), name)
        writeAtomically(file, prometheusText(metricsOf(name, end, { nowS, code, successAt })), { forAll: 'surely' })
      } catch (thrown) {
        ctx.log.warn(`the metrics ${file} could not be written: ${reasonOf(thrown)}`)
      }
    },
  }
}

function check({ file, name }: MetricsPlan): void {
  const complain = (why: string, hint: string, cause?: unknown) => {
    throw new Failure('usage', `--textfile ${file} ${why}`, { hint, cause })
  }
  if (!file.endsWith(ENDING)) complain(`doesn't end in ${ENDING}`, 'node_exporter reads no others')
  let before = ''
  try {
    checkWritable(file)
    before = textOf(file)
  } catch (thrown) {
    complain(`can't be written: ${reasonOf(thrown)}`, 'name a file in a directory that this user may write to', thrown)
  }
  if (before.trim() === '') return
  if (!before.startsWith(`# HELP ${PREFIX}`)) complain('is no file of ours', 'name one that isn’t there yet')
  if (!before.includes(label(name))) complain('has the metrics of another lock', 'give each lock a file of its own')
}

/** What stands in the file that is to be replaced; nothing where there is none. Throws what the file system throws. */
function textOf(file: string): string {
  const destination = destinationOf(file)
  if (destination.kind === 'stream' || !destination.before) return ''
  return destination.before.size > LARGEST ? '(too large)' : readFileSync(destination.path, 'utf8')
}

function label(name: string): string {
  return `{name="${name}"}`
}

/** Anybody may have written to the file: what is no time is none. */
function lastSuccess(text: string, name: string): number | undefined {
  const beginning = `${LAST_SUCCESS}${label(name)} `
  const line = text.split('\n').find((line) => line.startsWith(beginning))
  const time = Number(line?.slice(beginning.length) || Number.NaN)
  return Number.isFinite(time) && time > 0 ? time : undefined
}

interface Facts {
  readonly nowS: number
  readonly code: number
  readonly successAt: number | undefined
}

function metricsOf(name: string, end: RunResult | Failure, { nowS, code, successAt }: Facts): Metric[] {
  const gauge = (suffix: string, help: string, value: number): Metric => ({
    name: `${PREFIX}_${suffix}`,
    type: 'gauge',
    help,
    samples: [{ labels: { name }, value }],
  })
  const { waitedMs, ranMs }: Partial<RunResult> = end instanceof Failure ? {} : end
  const isLost = !(end instanceof Failure) && end.outcome.kind === 'lost'
  return [
    gauge('last_end_timestamp_seconds', 'When the last run ended', nowS),
    ...(successAt === undefined
      ? []
      : [gauge('last_success_timestamp_seconds', 'When the last run that succeeded ended', successAt)]),
    gauge('last_exit_code', 'The exit code of the last run', code),
    gauge('last_lost', 'Whether the last run lost its lock', Number(isLost)),
    ...(waitedMs === undefined ? [] : [gauge('last_wait_seconds', 'How long it waited for its lock', waitedMs / 1000)]),
    ...(ranMs === undefined ? [] : [gauge('last_duration_seconds', 'How long its command ran', ranMs / 1000)]),
  ]
}
