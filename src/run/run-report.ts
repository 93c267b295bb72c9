import type { Context } from '../base/context.ts'
import { Failure, reasonOf } from '../base/failure.ts'
import { printable } from '../base/printable.ts'
import { shellStatus } from '../child/exit-status.ts'
import { checkWritable, writeAtomically } from '../host/atomic-write.ts'
import type { RunObserver } from './run-observer.ts'
import type { RunResult } from './run-outcome.ts'
import type { RunSpec } from './run-spec.ts'

/**
 * A run's end for machines, so that a child's own exit codes can be told from ours:
 * `outcome` is `ran`, `busy`, `skipped`, `unready`, `unprepared`, `interrupted`, `lost`, `timed-out`, `unsettled`, or
 * the code of a failure.
 */
function reportOf(spec: RunSpec, end: RunResult | Failure): Record<string, unknown> {
  const about = { name: spec.lock.name, key: spec.lock.key, runId: spec.runId, command: spec.recorded }
  if (end instanceof Failure) return { ...about, outcome: end.code, message: end.message }
  const { outcome, ...measured } = end
  switch (outcome.kind) {
    case 'ran':
      return { ...about, outcome: 'ran', childExit: shellStatus(outcome.status), ...outcome.status, ...measured }
    case 'interrupted':
      return { ...about, outcome: 'interrupted', signal: outcome.signal, ...measured }
    case 'lost': {
      const { loss, status } = outcome
      const ended = status && { childExit: shellStatus(status) }
      return { ...about, outcome: 'lost', loss: loss.kind, message: loss.sentence, ...ended, ...measured }
    }
    case 'timed-out': {
      const { status } = outcome
      return { ...about, outcome: 'timed-out', ...(status && { childExit: shellStatus(status) }), ...measured }
    }
    case 'unsettled': {
      const { missing, status } = outcome
      return { ...about, outcome: 'unsettled', missing, childExit: shellStatus(status), ...measured }
    }
    case 'unready':
      return { ...about, outcome: 'unready', missing: outcome.missing, ...measured }
    case 'unprepared':
      return { ...about, outcome: 'unprepared', message: outcome.why, ...measured }
    case 'busy':
    case 'skipped':
      return { ...about, outcome: outcome.kind, ...measured }
  }
}

/**
 * Writes a report of the run's end to a file; trouble costs a warning. Throws a `usage` failure when that could not be
 * done: better before the run than after it.
 */
export function reportTo(ctx: Context, file: string, spec: RunSpec): RunObserver {
  checkReportFile(file)
  return { finished: (end) => writeReport(ctx, file, spec, end) }
}

function checkReportFile(file: string): void {
  try {
    checkWritable(file)
  } catch (thrown) {
    throw new Failure('usage', `the report file ${file} can't be written: ${reasonOf(thrown)}`, {
      hint: 'name a file in a directory that is there, and that this user may write to',
      cause: thrown,
    })
  }
}

function writeReport(ctx: Context, file: string, spec: RunSpec, end: RunResult | Failure): void {
  try {
    writeAtomically(file, `${printable(JSON.stringify(reportOf(spec, end)))}\n`)
  } catch (thrown) {
    ctx.log.warn(`the report ${file} could not be written: ${reasonOf(thrown)}`)
  }
}
