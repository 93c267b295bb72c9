import { expect, test } from 'vitest'
import { judgeAge } from '../../../../../src/cli/commands/status/age-check.ts'
import type { RunEntry } from '../../../../../src/run/history/runs-record.ts'

const NOW = Date.parse('2026-11-29T10:00:00Z')
const HOUR = 3_600_000

const run = (endedAgoMs: number, ranMs: number, about: Partial<RunEntry> = { code: 0 }): RunEntry => ({
  runId: 'x',
  host: 'web3',
  user: 'root',
  command: './backup',
  start: new Date(NOW - endedAgoMs - ranMs).toISOString(),
  ranMs,
  ...about,
})
const known = (about: { success?: RunEntry; failure?: RunEntry; running?: RunEntry }) => ({
  success: undefined,
  failure: undefined,
  running: undefined,
  ...about,
})

test.each<[string, Parameters<typeof known>[0], number, string]>([
  [
    'counts from the end of the last success',
    { success: run(26 * HOUR, 2 * HOUR) },
    0,
    'OK: backup succeeded 1d2h ago on web3, took 2h | age=93600s;;93600;0 took=7200s;;;0',
  ],
  [
    'is critical a moment later',
    { success: run(26 * HOUR + 1, 1000) },
    2,
    'CRITICAL: backup succeeded 1d2h ago on web3, took 1s | age=93600s;;93600;0 took=1s;;;0',
  ],
  [
    'tells of a failure since',
    { success: run(2 * HOUR, 0), failure: run(HOUR, 0, { code: 3 }) },
    0,
    'OK: backup succeeded 2h ago on web3, took 0ms; web3 failed 1h ago (exit 3) | age=7200s;;93600;0 took=0s;;;0',
  ],
  [
    'tells of no failure before',
    { success: run(HOUR, 0), failure: run(2 * HOUR, 0, { code: 3 }) },
    0,
    'OK: backup succeeded 1h ago on web3, took 0ms | age=3600s;;93600;0 took=0s;;;0',
  ],
  [
    'tells that it runs',
    { running: run(0, 60_000, {}) },
    2,
    'CRITICAL: backup has never succeeded; it runs on web3, started 1m ago',
  ],
  [
    'is critical when only failures are known',
    { failure: run(HOUR, 0, { killed: true }) },
    2,
    'CRITICAL: backup has never succeeded; web3 failed 1h ago (runner killed)',
  ],
  [
    'takes a clock that is ahead for ours',
    { success: run(-60_000, 0) },
    0,
    'OK: backup succeeded just now on web3, took 0ms | age=0s;;93600;0 took=0s;;;0',
  ],
  [
    'leaves the bar to Nagios',
    { success: { ...run(HOUR, 0), host: 'a|b' } },
    0,
    'OK: backup succeeded 1h ago on a/b, took 0ms | age=3600s;;93600;0 took=0s;;;0',
  ],
])('a check of the last success %s', (_, about, exit, line) => {
  expect(judgeAge('backup', known(about), 26 * HOUR, NOW)).toEqual({ exit, line })
})
