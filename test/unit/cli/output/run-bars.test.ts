import { describe, expect, test } from 'vitest'
import { columnsOf } from '../../../../src/base/columns.ts'
import { runBars } from '../../../../src/cli/output/run-bars.ts'
import type { RunEntry } from '../../../../src/run/history/runs-record.ts'

const NOW = Date.parse('2026-11-29T10:00:00Z')
const HOUR = 3_600_000
const DAY = 24 * HOUR

/** A run that began so long ago, and succeeded unless something else is told. */
function run(beganAgoMs: number, ranMs: number | undefined, about: Partial<RunEntry> = { code: 0 }): RunEntry {
  const start = new Date(NOW - beganAgoMs).toISOString()
  return {
    runId: String(beganAgoMs),
    host: 'web3',
    user: 'root',
    command: './backup',
    start,
    ...about,
    ...times(ranMs),
  }
}

const times = (ranMs: number | undefined) => (ranMs === undefined ? {} : { ranMs })

const drawn = (ended: readonly RunEntry[], running: readonly RunEntry[] = []) => runBars(ended, running, NOW, false)

describe('the timeline of the last runs', () => {
  test('has a bar for each, as long as it was, and a letter for how it ended', () => {
    const ended = [
      run(73 * HOUR, 252_000),
      run(49 * HOUR, 38_000, { code: 3 }),
      run(48 * HOUR, 300_000, { code: 0, host: 'web1' }),
      run(25 * HOUR, 700_000, { lost: 'session-gone', signal: 'SIGTERM' }),
      run(24 * HOUR, 60_000, {}),
    ]
    expect(drawn(ended, [run(252_000, undefined, {})])).toEqual([
      'STARTED (UTC)        HOST  RAN     END                 o ok, F failed, L lost',
      '2026-11-26 09:00:00  web3  4m12s   ok                  o========',
      '2026-11-27 09:00:00  web3  38s     exit 3              F',
      '2026-11-27 10:00:00  web1  5m      ok                  o==========',
      '2026-11-28 09:00:00  web3  11m40s  SIGTERM, lock lost  L========================',
      '2026-11-28 10:00:00  web3  1m      end unknown         ?=',
      '2026-11-29 09:55:48  web3  4m12s   runs                r=======>',
    ])
  })

  test('has one of one run, however short', () => {
    expect(drawn([run(HOUR, 400)])).toEqual([
      'STARTED (UTC)        HOST  RAN    END  o ok, F failed, L lost, r runs, ? unknown',
      '2026-11-29 09:00:00  web3  400ms  ok   o========================================',
    ])
    expect(drawn([run(HOUR, 0)])[1]).toBe('2026-11-29 09:00:00  web3  0ms  ok   o')
  })

  test('shows milliseconds beside a month', () => {
    expect(drawn([run(40 * DAY, 30 * DAY), run(9 * DAY, 3)])).toEqual([
      'STARTED (UTC)        HOST  RAN  END  o ok, F failed, L lost, r runs, ? unknown',
      '2026-10-20 10:00:00  web3  30d  ok   o==========================================',
      '2026-11-20 10:00:00  web3  3ms  ok   o',
    ])
  })

  test('takes a clock that is ahead for ours', () => {
    expect(drawn([run(HOUR, 1000)], [run(-HOUR, undefined, { host: 'ahead' })])).toEqual([
      'STARTED (UTC)        HOST   RAN  END   o ok, F failed, L lost, r runs, ? unknown',
      '2026-11-29 09:00:00  web3   1s   ok    o========================================',
      '2026-11-29 11:00:00  ahead  0ms  runs  r',
    ])
  })

  test('obeys no host, and leaves it no room for more than itself', () => {
    const hosts = [
      'データベース-東京-1.example.com',
      'a\u001b[31mb\n',
      '🚀'.repeat(30),
      'e\u0301'.repeat(64),
      '?'.repeat(64),
    ]
    const lines = drawn(hosts.map((host, n) => run(HOUR, 1000 * (n + 1), { host, code: 0 })))
    expect(lines.slice(0, 4)).toEqual([
      'STARTED (UTC)        HOST              RAN  END  o ok, F failed, L lost',
      '2026-11-29 09:00:00  データベース-東…  1s   ok   o=====',
      '2026-11-29 09:00:00  a\\u001b[31mb\\n    2s   ok   o===========',
      '2026-11-29 09:00:00  🚀🚀🚀🚀🚀🚀🚀…   3s   ok   o==================',
    ])
    for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(80)
  })

  test('of twenty runs shows that they take longer and longer', () => {
    const ended = Array.from({ length: 20 }, (_, n) =>
      run((20 - n) * DAY, 60_000 * (n + 1), { code: n % 7 === 3 ? 1 : 0 }),
    )
    const lines = drawn(ended)
    expect(lines).toHaveLength(21)
    const bars = lines.slice(1).map((line) => line.trimEnd().split('  ').at(-1)?.length ?? 0)
    expect(bars).toEqual([...bars].sort((one, other) => one - other))
    expect(lines[4]).toBe('2026-11-12 10:00:00  web3  4m   exit 1  F=======')
    expect(lines[20]).toBe('2026-11-28 10:00:00  web3  20m  ok      o=======================================')
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('has colours beside the letters where there are some, and is none of no runs', () => {
    const [, line = ''] = runBars([run(HOUR, 400, { code: 3 })], [], NOW, true)
    const bar = `F${'='.repeat(37)}`
    expect(line.endsWith(`  exit 3  \u001b[31m${bar}\u001b[0m`)).toBe(true)
    expect(drawn([])).toEqual([])
  })
})
