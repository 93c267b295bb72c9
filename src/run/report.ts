import type { Context } from '../base/context.ts'
import { printable } from '../base/excerpt.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { shellStatus } from '../child/exit-status.ts'
import { checkWritable, writeWhole } from '../host/file-writer.ts'
import type { Job, Result } from './job.ts'

/**
 * A run's end for machines, so that a child's own exit codes can be told from ours:
 * `outcome` is `ran`, `busy`, `unready`, `interrupted`, `lost`, `unsettled`, or the code of a failure.
 */
function reportOf(job: Job, end: Result | Failure): Record<string, unknown> {
  const about = { name: job.name, key: job.key, runId: job.runId, command: job.recorded }
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
    case 'unsettled': {
      const { missing, status } = outcome
      return { ...about, outcome: 'unsettled', missing, childExit: shellStatus(status), ...measured }
    }
    case 'unready':
      return { ...about, outcome: 'unready', missing: outcome.missing, ...measured }
    case 'busy':
      return { ...about, outcome: 'busy', ...measured }
  }
}

/** Throws a `usage` failure when a report could not be written there: better before the run than after it. */
export function checkReportFile(file: string): void {
  try {
    checkWritable(file)
  } catch (thrown) {
    throw new Failure('usage', `the report file ${file} can't be written: ${messageOf(thrown)}`, {
      hint: 'name a file in a directory that is there, and that this user may write to',
      cause: thrown,
    })
  }
}

/** Writes a report; trouble costs a warning. */
export function writeReport(ctx: Context, file: string, job: Job, end: Result | Failure): void {
  try {
    writeWhole(file, `${printable(JSON.stringify(reportOf(job, end)))}\n`)
  } catch (thrown) {
    ctx.log.warn(`the report could not be written: ${messageOf(thrown)}`)
  }
}
