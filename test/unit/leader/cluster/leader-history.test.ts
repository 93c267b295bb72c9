import { describe, expect, test } from 'vitest'
import { historyLines } from '../../../../src/cli/commands/leader/history-table.ts'
import { storedAs } from '../../../../src/consul/stored-value.ts'
import {
  eventsIn,
  HISTORY,
  type History,
  type Reign,
  withEnd,
  withRefusal,
  withReign,
} from '../../../../src/leader/cluster/leader-history.ts'

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
const reign = (node: string, minute: number): Reign => ({ node, address: '10.0.0.1', port: 6379, since: at(minute) })

describe('a history', () => {
  test('says of a master who went without a word when the next one came', () => {
    const { reigns = [] } = withReign(withReign({}, reign('n1', 0)), reign('n2', 5))
    expect(reigns).toEqual([{ ...reign('n1', 0), until: at(5), why: 'its node or its agent was gone' }, reign('n2', 5)])
  })

  test('is put right by a master who could speak only later', () => {
    const both = withReign(withReign({}, reign('n1', 0)), reign('n2', 5))
    const end = { until: at(3), why: 'the lock was lost', by: 'root@n3' }
    expect(withEnd(both, 'n1', end, at(0))?.reigns?.[0]).toEqual({ ...reign('n1', 0), ...end })
    expect(withEnd(both, 'n1', end)).toBeUndefined()
    expect(withEnd(both, 'n1', end, at(1))).toBeUndefined()
    expect(withEnd(both, 'n2', end)?.reigns?.[1]).toEqual({ ...reign('n2', 5), ...end })
  })

  test('keeps fifty, is bounded, and is read again as it was written', () => {
    let history: History = {}
    for (let minute = 0; minute < 80; minute++) {
      history = withReign(history, reign('n'.repeat(200), minute))
      history =
        withEnd(history, 'n'.repeat(200), { until: at(minute), why: 'x'.repeat(10_000), by: 'y'.repeat(10_000) }) ?? {}
    }
    expect(history.reigns).toHaveLength(50)
    const text = JSON.stringify(history)
    expect(text.length).toBeLessThan(60_000)
    expect(storedAs(HISTORY, text)).toEqual(history)
  })

  test('keeps what was scheduled in vain, and tells all of it in its order', () => {
    const refused = { at: at(3), candidate: 'n2', by: 'root@n1', why: 'n2 lacks 42' }
    const history = withReign(withRefusal(withReign({}, reign('n1', 0)), refused), reign('n2', 5))
    const end = withEnd(history, 'n2', { until: at(9), why: 'x' }) ?? {}
    expect(storedAs(HISTORY, JSON.stringify(end))).toEqual(end)
    expect(eventsIn(end)).toMatchObject([{ node: 'n1' }, refused, { node: 'n2', until: at(9) }])
  })

  test('is told in eighty columns, whatever stands there', () => {
    const end = { until: at(3), why: 'x'.repeat(200), by: 'root\x1b[2J' }
    const { reigns = [] } = withReign(
      withEnd(withReign({}, reign('n'.repeat(100), 0)), 'n'.repeat(100), end) ?? {},
      reign('n2', 5),
    )
    const lines = historyLines(reigns, Date.parse(at(65)), 80)
    expect(Math.max(...lines.map((line) => line.length))).toBe(80)
    expect(lines[0]).toMatch(/^SINCE +NODE +FOR +UNTIL$/)
    expect(lines.at(-1)).toMatch(/^2026-01-01T00:05:00Z {2}n2 +1h +is master$/)
    expect(lines.join('')).not.toContain('\x1b')
  })
})
