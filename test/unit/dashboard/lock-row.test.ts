import { describe, expect, test } from 'vitest'
import { lockRow, lockRows } from '../../../src/dashboard/lock-row.ts'
import type { LockView } from '../../../src/overview/lock-view.ts'

const START = '2026-11-29T03:00:00.000Z'
const START_MS = Date.parse(START)
const VIEW: LockView = {
  name: 'backup',
  key: 'consul-locker-backup',
  kind: 'lock',
  limit: 1,
  holders: [],
  waiters: [],
  runs: {},
}
const RUN = { runId: 'r', host: 'web1', user: 'root', command: './run', start: START }
const rowOf = (about: Partial<LockView>) => lockRow({ ...VIEW, ...about }, false)

describe('the bars of a lock', () => {
  test.each([
    [{ code: 0, ranMs: 5 }, 'ok', 'exit 0'],
    [{ code: 3, ranMs: 5 }, 'failed', 'exit 3'],
    [{ code: 0, ranMs: 5, timedOut: true as const }, 'failed', 'timed out'],
    [{ killed: true as const, ranMs: 5 }, 'failed', 'runner killed'],
    [{ signal: 'SIGTERM', ranMs: 5, lost: 'the session has expired' }, 'lost', 'SIGTERM, lock lost'],
    [{ lost: 'unknown' }, 'lost', 'lock lost'],
    [{}, 'unknown', 'end unknown'],
  ])('show %o as %s', (end, state, how) => {
    const [bar] = rowOf({ runs: { ended: [{ ...RUN, ...end }] } }).bars
    expect(bar).toMatchObject({ startMs: START_MS, state, how })
    expect(bar?.endMs).toBe('ranMs' in end ? START_MS + 5 : undefined)
  })

  test('have the run that goes on at the end, and once', () => {
    const holder = { session: 's', host: 'web2', runId: 'q', sinceMs: START_MS + 9, fence: 7, isKept: false }
    const { bars } = rowOf({ holders: [holder], runs: { ended: [{ ...RUN, code: 0, ranMs: 5 }] } })
    expect(bars.map(({ host, state }) => [host, state])).toEqual([
      ['web1', 'ok'],
      ['web2', 'running'],
    ])
    const ended = [{ ...RUN, runId: 'q', code: 0, ranMs: 5 }]
    expect(rowOf({ holders: [holder], runs: { ended } }).bars).toHaveLength(1)
  })
})

test('a lock with a thousand waiters is a row of bounded size, which counts all of them', () => {
  const waiters = Array.from({ length: 1000 }, (_, n) => ({
    session: `s${n}`,
    host: 'h'.repeat(5000),
    isForMore: false,
  }))
  const row = rowOf({ waiters })
  expect([row.waiters.length, row.waiting]).toEqual([50, 1000])
  expect(JSON.stringify(row).length).toBeLessThan(20_000)
})

test('what others wrote is one line: no control characters, no turns of direction', () => {
  const holder = { session: 's', host: 'web\u001b[31m1\n\u202e', fence: 7, isKept: false, command: ['a\u0000', 'b'] }
  const text = JSON.stringify(rowOf({ holders: [holder], trouble: 'x\u009by' }))
  expect(JSON.parse(text).holders[0].host).toBe('web\\u001b[31m1\\n\\u202e')
  expect(text).not.toMatch(/[\u009b\u202e]/)
})

test('a holder is shown with the other locks that go with its session', () => {
  const holders = [{ session: 's', host: 'web1', fence: 7, isKept: false }]
  const locks = ['db', 'deploy', 'report'].map((name) => ({ ...VIEW, name, key: `consul-locker-${name}`, holders }))
  const others = lockRows({ locks: [...locks, VIEW] }).map((row) => row.holders.map(({ others }) => others))
  expect(others).toEqual([[['deploy', 'report']], [['db', 'report']], [['db', 'deploy']], []])
})
