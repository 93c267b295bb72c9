import { describe, expect, test } from 'vitest'
import { parseLastRuns } from '../../../../src/run/history/last-runs.ts'
import { lastFailure, lastSuccess, parseRuns, type RunEntry } from '../../../../src/run/history/runs-record.ts'

const run = (n: number, code: number): RunEntry => ({
  ...{ runId: `r${n}`, host: 'web3', user: 'root', command: 'sh', start: '2026-11-28T23:00:00.000Z', code },
})

describe('of a history', () => {
  test.each([
    [[]],
    [[run(1, 0)]],
    [[run(1, 0), run(2, 3)]],
    [[run(1, 3), run(2, 0), run(3, 0)]],
    [[run(1, 0), { ...run(2, 0), timedOut: true }, { ...run(3, 0), lost: 'unknown' }]],
  ])('the last run, success and failure are those of all of it: %j', (runs) => {
    for (const record of [{ runs }, { runs, success: run(8, 0), failure: run(9, 1) }]) {
      const text = JSON.stringify(record)
      const all = parseRuns(text)
      const last = parseLastRuns(text)
      if (all === 'unreadable' || last === 'unreadable') throw new Error('it is unreadable')
      expect(last.runs).toEqual(all.runs.slice(-1))
      expect([lastSuccess(last), lastFailure(last)]).toEqual([lastSuccess(all), lastFailure(all)])
    }
  })

  test('the last loss is told of, too, if there was one', () => {
    const [first, second] = [
      { ...run(1, 0), lost: 'deadline' },
      { ...run(2, 3), lost: 'unknown' },
    ]
    expect(parseLastRuns(JSON.stringify({ runs: [first, second, run(3, 0)] }))).toMatchObject({ lost: second })
    expect(parseLastRuns(JSON.stringify({ runs: [run(3, 0)] }))).not.toHaveProperty('lost')
  })

  test.each([
    'rubbish',
    '[]',
    '{}',
    '{"runs":{}}',
    '{"runs":[null]}',
    '{"runs":[{"runId":5}]}',
    '{"runs":[],"success":1}',
  ])('nothing is told where it can’t be read: %s', (text) => {
    expect(parseLastRuns(text)).toBe('unreadable')
    expect(parseRuns(text)).toBe('unreadable')
  })

  test('an empty value tells of no runs', () => {
    expect(parseLastRuns('')).toEqual({ runs: [] })
    expect(parseLastRuns(JSON.stringify({ runs: [run(1, 0)], x: 'x'.repeat(70_000) }))).toBe('unreadable')
  })
})
