import { expect, test } from 'vitest'
import { NOT_STARTED } from '../../../../src/child/guardian-arguments.ts'
import { Loss } from '../../../../src/lock/loss.ts'
import { endIn, endOf, type RunEnd, wordOf } from '../../../../src/run/history/run-end.ts'
import type { RunOutcome } from '../../../../src/run/run-outcome.ts'

const LOSS = new Loss('deadline', 'it was not renewed')

test.each<[RunOutcome, RunEnd, string, RunEnd]>([
  [{ kind: 'ran', status: { code: 0 } }, { code: 0 }, '0', { code: 0 }],
  [{ kind: 'ran', status: { code: 255 } }, { code: 255 }, '255', { code: 255 }],
  [{ kind: 'ran', status: { signal: 'SIGUSR1' } }, { signal: 'SIGUSR1' }, 'SIGUSR1', { signal: 'SIGUSR1' }],
  [{ kind: 'lost', loss: LOSS }, { lost: 'deadline' }, 'lost', { lost: 'unknown' }],
  [{ kind: 'lost', loss: LOSS, status: { code: 0 } }, { code: 0, lost: 'deadline' }, 'lost', { lost: 'unknown' }],
  [
    { kind: 'unsettled', status: { code: 0 }, missing: [] },
    { code: 0, unsettled: true },
    'unsettled',
    { code: 0, unsettled: true },
  ],
  [{ kind: 'interrupted', signal: 'SIGTERM' }, { code: 0, unsettled: true }, 'unsettled', { code: 0, unsettled: true }],
  [{ kind: 'timed-out', status: { code: 0 } }, { code: 0, timedOut: true }, 'timedout', { timedOut: true }],
  [{ kind: 'timed-out' }, { timedOut: true }, 'timedout', { timedOut: true }],
])('a run that ended as %j is told of as %j, by a guardian that has only a word as %s', (outcome, end, word, later) => {
  expect([endOf(outcome), wordOf(outcome), endIn(word)]).toEqual([end, word, later])
})

test('a guardian says by itself that the runner was killed, or that no command had started', () => {
  expect(endIn('killed')).toEqual({ killed: true })
  expect(endIn(NOT_STARTED)).toBeUndefined()
})

test('what never ran has no end', () => expect(endOf({ kind: 'skipped' })).toEqual({}))

test.each(['', 'again', '1e3', '-1', 'SIG', '9999', 'SIGHUPPED.', 'MYSIGHUP'])(
  'a word that says nothing tells of no end: "%s"',
  (word) => {
    expect(endIn(word)).toEqual({})
  },
)
