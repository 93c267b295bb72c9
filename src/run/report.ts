import { accessSync, constants, lstatSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { printable } from '../base/excerpt.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { shellStatus } from '../child/exit-status.ts'
import type { Job, Result } from './job.ts'

/**
 * A run's end for machines, so that a child's own exit codes can be told from ours:
 * `outcome` is `ran`, `busy`, `unready`, `interrupted`, `lost`, `unsettled`, or the code of a failure.
 */
export function reportOf(job: Job, end: Result | Failure): Record<string, unknown> {
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

/** Writes a report so that a reader sees the whole of it or the one before. Throws what the file system throws. */
export function writeReport(file: string, report: Record<string, unknown>): void {
  const draft = isReplaceable(file) ? draftOf(file) : file
  writeFileSync(draft, `${printable(JSON.stringify(report))}\n`)
  if (draft !== file) renameSync(draft, file)
}

/** A device, a pipe or a link (/dev/stderr) must stay what it is. */
function isReplaceable(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false })?.isFile() ?? true
}

/** Throws a `usage` failure when a report could not be written there: better before the run than after it. */
export function checkReportFile(file: string): void {
  try {
    if (isReplaceable(file)) {
      writeFileSync(draftOf(file), '')
      rmSync(draftOf(file))
    } else {
      accessSync(file, constants.W_OK)
      if (statSync(file).isDirectory()) throw new Error(`${file} is a directory`)
    }
  } catch (thrown) {
    throw new Failure('usage', `the report file can't be written: ${messageOf(thrown)}`, {
      hint: 'name a file in a directory that is there, and that this user may write to',
      cause: thrown,
    })
  }
}

function draftOf(file: string): string {
  return `${file}.${process.pid}.tmp`
}
