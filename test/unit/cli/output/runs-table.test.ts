import { expect, test } from 'vitest'
import { columnsOf } from '../../../../src/base/columns.ts'
import { runLines } from '../../../../src/cli/output/runs-table.ts'
import type { RunEntry } from '../../../../src/run/history/runs-record.ts'

const NOW = Date.parse('2026-11-29T03:00:00Z')
const run: RunEntry = { runId: 'r', host: 'web3', user: 'root', command: './a', start: '2026-11-29T02:00:00.000Z' }

test('runs stand in a table, the one that goes on at its end', () => {
  const ended: RunEntry[] = [
    { ...run, waitedMs: 12, ranMs: 252_000, code: 0 },
    { ...run, host: 'a-host-with-a-rather-long-name', ranMs: 5000, lost: 'expired' },
  ]
  expect(runLines(ended, { ...run, runId: 's' }, NOW, 80)).toEqual([
    'STARTED               HOST                  WAITED  RAN    END        COMMAND',
    '2026-11-29T02:00:00Z  web3                  12ms    4m12s  exit 0     ./a',
    '2026-11-29T02:00:00Z  a-host-with-a-rathe…  -       5s     lock lost  ./a',
    '2026-11-29T02:00:00Z  web3                  -       1h     runs       ./a',
  ])
})

test('letters that take two columns or none keep the table in line, and in 80 columns', () => {
  const lines = runLines(
    [
      { ...run, host: 'データベース', command: 'バックアップ'.repeat(10), code: 0 },
      { ...run, host: 'e\u0301'.repeat(30), code: 0 },
      { ...run, signal: 'X'.repeat(100) },
    ],
    undefined,
    NOW,
    80,
  )
  const untilEnd = lines.slice(1, 3).map((line) => columnsOf(line.slice(0, line.indexOf('exit 0'))))
  expect(new Set(untilEnd).size).toBe(1)
  for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(80)
})
