import { describe, expect, test } from 'vitest'
import { judgePeriod } from '../../../../src/doctor/lock/period-inspection.ts'

const NOW = Date.parse('2026-11-29T12:00:00Z')

describe('a period', () => {
  const run = (start: string) => ({
    runId: 'x',
    host: 'web1',
    user: 'root',
    command: 'true',
    start,
    code: 0,
    ranMs: 1000,
  })
  const record = (start: string) => ({ runs: [], period: { last: run(start) } })
  const hourly = { oncePerMs: 3_600_000, onSuccess: false }

  test.each([
    [undefined, { runs: [] }, 'fine', 'no run of it'],
    [undefined, record('2026-11-29T11:30:00Z'), 'fine', 'give that period'],
    [hourly, { runs: [] }, 'fine', 'due'],
    [hourly, record('2026-11-29T10:00:00Z'), 'fine', 'due'],
    [hourly, record('2026-11-29T11:30:00Z'), 'warning', 'started 30m ago on web1 (exit 0); once per 1h'],
    [hourly, record('2026-11-29T12:30:00Z'), 'failure', 'a clock is wrong'],
  ])('%#', (period, known, mark, said) => {
    const finding = judgePeriod(period, known, NOW)
    expect([finding.mark, finding.said.includes(said)], finding.said).toEqual([mark, true])
  })
})
