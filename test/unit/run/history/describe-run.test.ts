import { describe, expect, test } from 'vitest'
import { ago, describeEnd, endMsOf } from '../../../../src/run/history/describe-run.ts'
import type { RunEntry } from '../../../../src/run/history/runs-record.ts'

const START_MS = Date.parse('2026-11-28T23:00:00.000Z')
const run = (about: Partial<RunEntry>): RunEntry => ({
  ...{ runId: '1', host: 'web3', user: 'root', command: 'sh', start: new Date(START_MS).toISOString() },
  ...about,
})

describe('a run', () => {
  test.each<[Partial<RunEntry>, string]>([
    [{}, 'end unknown'],
    [{ code: 0 }, 'exit 0'],
    [{ code: 3 }, 'exit 3'],
    [{ signal: 'SIGTERM' }, 'SIGTERM'],
    [{ killed: true }, 'runner killed'],
    [{ code: 0, timedOut: true }, 'timed out'],
    [{ lost: 'unknown' }, 'lock lost'],
    [{ code: 0, lost: 'deadline' }, 'exit 0, lock lost'],
    [{ signal: 'SIGKILL', lost: 'deadline' }, 'SIGKILL, lock lost'],
    [{ code: 0, unsettled: true }, 'exit 0, not settled'],
  ])('of which %j is known ended with: %s', (about, words) => expect(describeEnd(run(about))).toBe(words))

  test('ended when it had run, or began at least', () => {
    expect(endMsOf(run({ ranMs: 5000 }))).toBe(START_MS + 5000)
    expect(endMsOf(run({}))).toBe(START_MS)
  })

  test('ended on a date, however long somebody says that it ran', () => {
    expect(new Date(endMsOf(run({ ranMs: Number.MAX_SAFE_INTEGER }))).getTime()).toBe(8.64e15)
  })
})

test.each([
  [-60_000, 'just now'],
  [999, 'just now'],
  [1000, '1s ago'],
  [252_000, '4m12s ago'],
])('what was %i ms before now was %s', (agoMs, words) => expect(ago(START_MS - agoMs, START_MS)).toBe(words))
