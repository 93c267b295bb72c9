import { NOT_STARTED } from '../../child/guardian-arguments.ts'
import type { RunOutcome } from '../run-outcome.ts'
import type { RunEntry } from './runs-record.ts'

/** How a run ended, as its history tells. */
export type RunEnd = Pick<RunEntry, 'code' | 'signal' | 'lost' | 'unsettled' | 'timedOut' | 'killed'>

export function endOf(outcome: RunOutcome): RunEnd {
  switch (outcome.kind) {
    case 'ran':
      return outcome.status
    case 'lost':
      return { ...outcome.status, lost: outcome.loss.kind }
    case 'timed-out':
      return { ...outcome.status, timedOut: true }
    case 'unsettled':
    // A signal ends the wait after a success, too.
    case 'interrupted':
      return { code: 0, unsettled: true }
    default:
      return {}
  }
}

/** The same in one word, for a guardian to pass on. */
export function wordOf(outcome: RunOutcome): string {
  const { code, signal, lost, unsettled, timedOut } = endOf(outcome)
  if (lost !== undefined) return 'lost'
  if (timedOut !== undefined) return 'timedout'
  if (unsettled !== undefined) return 'unsettled'
  return signal ?? String(code)
}

/** What such a word says; `undefined` when there was nothing to end. A runner that was killed may have said none. */
export function endIn(word: string): RunEnd | undefined {
  if (word === NOT_STARTED) return undefined
  if (word === 'killed') return { killed: true }
  if (word === 'lost') return { lost: 'unknown' }
  if (word === 'timedout') return { timedOut: true }
  if (word === 'unsettled') return { code: 0, unsettled: true }
  if (/^\d{1,3}$/.test(word)) return { code: Number(word) }
  return /^SIG[A-Z0-9]{2,10}$/.test(word) ? { signal: word } : {}
}
