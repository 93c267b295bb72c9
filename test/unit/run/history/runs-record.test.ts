import { describe, expect, test } from 'vitest'
import {
  encodeRuns,
  hasEnded,
  isSuccess,
  lastFailure,
  lastSuccess,
  parseRuns,
  periodSuccess,
  type RunEntry,
  type RunsRecord,
  runsKey,
  withPeriodStart,
  withRuns,
} from '../../../../src/run/history/runs-record.ts'

const START = '2026-11-28T23:00:59.602Z'
const run = (n: number | string, about: Partial<RunEntry> = { code: 0 }): RunEntry => ({
  runId: `run-${n}`,
  host: 'web3',
  user: 'root',
  command: './report.sh',
  start: START,
  ...about,
})
const ids = ({ runs }: RunsRecord) => runs.map(({ runId }) => runId)

describe('a record of runs', () => {
  test('stands beside its lock, where no lock can be', () => {
    expect(runsKey('consul-locker-a')).toBe('consul-locker-a=runs')
  })

  test('is read as it was written', () => {
    const all = { ranMs: 1, waitedMs: 2, fence: 3, signal: 'SIGTERM', lost: 'deadline', killed: true } as const
    const record = {
      runs: [run(1, all), run(2, { code: 0, unsettled: true })],
      success: run(3),
      failure: run(4, { code: 7 }),
      period: { last: run(5, {}), success: run(6) },
    }
    expect(parseRuns(encodeRuns(record))).toEqual(record)
  })

  test('that is not there tells of no runs', () => expect(parseRuns('')).toEqual({ runs: [] }))

  test.each([
    'web3',
    'null',
    '[]',
    '{}',
    '{"runs":1}',
    '{"runs":[null]}',
    '{"runs":[],"period":null}',
    '{"runs":[],"period":7}',
    '{"runs":[],"period":{"last":{}}}',
    '{"runs":[],"success":[]}',
    `{"runs":[{"runId":"","host":"a","user":"b","command":"c","start":"${START}"}]}`,
    '{"runs":[{"runId":"1","host":"a","user":"b","command":"c","start":"yesterday"}]}',
    `{"runs":[{"runId":"1","host":["a"],"user":"b","command":"c","start":"${START}"}]}`,
    `{"runs":[{"runId":"1","host":"a","user":"b","command":"c","start":["${START}"]}]}`,
    `{"runs":[{"runId":"1","host":"a","user":"b","command":"c","start":"${START.replace('Z', `${'0'.repeat(20)}Z`)}"}]}`,
    `{"runs":[{"runId":"1","host":"a","user":"b","command":"c","start":"${START}","code":-1}]}`,
    `{"runs":[{"runId":"1","host":"a","user":"b","command":"c","start":"${START}","killed":"no"}]}`,
    `{"runs":[{"runId":"1","host":"${'a'.repeat(256)}","user":"b","command":"c","start":"${START}"}]}`,
    `{"runs":[],"x":"${'y'.repeat(65_536)}"}`,
  ])('is unreadable when it says %.60s', (value) => expect(parseRuns(value)).toBe('unreadable'))

  test('forgets what it does not know', () => {
    const value = JSON.stringify({ runs: [{ ...run(1), mood: 'good' }], mood: 'bad' })
    expect(parseRuns(value)).toEqual({ runs: [run(1)] })
  })
})

describe('history', () => {
  test('keeps the last twenty, and of older ones the last success and the last failure', () => {
    let record: RunsRecord = { runs: [] }
    const older = [run('s1'), run('s2'), run('f1', { code: 1 }), run('f2', { signal: 'SIGKILL' })]
    for (const one of older) record = withRuns(record, [one])
    for (let n = 0; n < 20; n++) record = withRuns(record, [run(n, { lost: 'unknown' })])
    expect(ids(record)).toEqual(Array.from({ length: 20 }, (_, n) => `run-${n}`))
    expect(lastSuccess(record)).toEqual(run('s2'))
    expect(lastFailure(record)).toEqual(run(19, { lost: 'unknown' }))
    for (let n = 20; n < 40; n++) record = withRuns(record, [run(n)])
    expect(lastFailure(record)).toEqual(run(19, { lost: 'unknown' }))
    expect(lastSuccess(record)).toEqual(run(39))
  })

  test('has no more than 8192 bytes, and the newest always', () => {
    let record: RunsRecord = { runs: [] }
    const long = { command: 'x'.repeat(255), host: 'h'.repeat(255), user: 'u'.repeat(255), code: 0 }
    for (let n = 0; n < 20; n++) record = withRuns(record, [run(n, long)])
    expect(encodeRuns(record).length).toBeLessThanOrEqual(8192)
    expect(ids(record).at(-1)).toBe('run-19')
    expect(ids(record).length).toBeGreaterThan(5)
    expect(parseRuns(encodeRuns(record))).toEqual(record)
  })

  test('has the newest even where that alone is too long', () => {
    const text = '\u0001'.repeat(255)
    const long = run(1, { command: text, host: text, user: text, code: 0 })
    const record = withRuns({ runs: [], success: long, failure: long }, [long])
    expect(encodeRuns(record).length).toBeGreaterThan(8192)
    expect(ids(record)).toEqual(['run-1'])
  })

  test('has each run once', () => {
    const record = withRuns(withRuns({ runs: [] }, [run(1, {}), run(2)]), [run(1, { code: 1 }), run(3)])
    expect(ids(record)).toEqual(['run-2', 'run-1', 'run-3'])
  })

  test.each<[Partial<RunEntry>, boolean, boolean]>([
    [{ code: 0 }, true, true],
    [{ code: 1 }, false, true],
    [{ signal: 'SIGTERM' }, false, true],
    [{ code: 0, unsettled: true }, false, true],
    [{ code: 0, lost: 'deadline' }, false, true],
    [{ code: 0, timedOut: true }, false, true],
    [{ signal: 'SIGTERM', timedOut: true }, false, true],
    [{ timedOut: true }, false, true],
    [{ lost: 'unknown' }, false, true],
    [{ killed: true }, false, true],
    [{}, false, false],
  ])('takes %j for a success: %s, and for ended: %s', (end, success, ended) => {
    expect([isSuccess(run(1, end)), hasEnded(run(1, end))]).toEqual([success, ended])
  })
})

describe('what counts for a period', () => {
  test('is the last start, and the last success before it', () => {
    const first = withPeriodStart(undefined, run(1, {}))
    expect(first).toEqual({ last: run(1, {}) })
    const ended = withRuns({ runs: [], period: first }, [run(1)]).period
    expect(ended).toEqual({ last: run(1) })
    const second = withPeriodStart(ended, run(2, {}))
    expect(second).toEqual({ last: run(2, {}), success: run(1) })
    const failed = withRuns({ runs: [], period: second }, [run(2, { code: 3 })]).period
    expect(failed).toEqual({ last: run(2, { code: 3 }), success: run(1) })
    expect(failed && periodSuccess(failed)).toEqual(run(1))
  })

  test('is nothing where it tells of no start', () => {
    const record = { runs: [], period: {} }
    expect(parseRuns(encodeRuns(record))).toEqual(record)
    expect(withRuns(record, [run(1)]).period).toEqual({})
  })

  test('is no run that came without a period', () => {
    const period = { last: run(1, {}) }
    expect(withRuns({ runs: [], period }, [run(2)]).period).toEqual(period)
  })
})
