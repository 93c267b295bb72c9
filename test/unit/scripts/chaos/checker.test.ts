import { describe, expect, test } from 'vitest'
import { check, type Violation } from '../../../../scripts/chaos/checker.ts'
import { faultTable } from '../../../../scripts/chaos/fault-table.ts'
import type { Entry } from '../../../../scripts/chaos/history-file.ts'

/** A life's entries: it begins, beats every 5 ms, and ends by itself. */
function life(name: string, from: number, to: number, more: Partial<Entry> = {}): Entry[] {
  const beats = Array.from({ length: Math.floor((to - from) / 5) }, (_, n) => from + 5 * (n + 1))
  return [
    { at: from, event: 'begin', life: name, host: name, pid: 1, runner: 2, ...more } as Entry,
    ...beats.map((at): Entry => ({ at, event: 'beat', life: name })),
    { at: to, event: 'end', life: name },
  ]
}

/** As the kernel would have interleaved them. */
function history(...parts: Entry[][]): Entry[] {
  return parts.flat().sort((a, b) => a.at - b.at)
}

function fault(number: number, name: string, at: number, hit: string): Entry {
  return { at, event: 'fault', number, fault: name, life: hit }
}

const added = (at: number, name: string, value: number): Entry[] => [{ at, event: 'add', life: name, value }]

function kindsIn(entries: Entry[]): Violation['kind'][] {
  return check(entries).violations.map(({ kind }) => kind)
}

describe('the checker', () => {
  test('finds nothing in lives that follow each other', () => {
    const entries = history(life('a', 0, 100, { fence: 5 }), added(40, 'a', 1), life('b', 101, 200, { fence: 9 }))
    expect(check([...entries, ...added(201, 'b', 2)])).toMatchObject({
      lives: 2,
      updates: 2,
      violations: [],
      cleanHandOversMs: [1],
    })
  })

  test('finds an overlap, and says for how long and after which fault', () => {
    const entries = history(life('a', 0, 100), life('b', 80, 200), life('c', 300, 400), life('d', 390, 395))
    const { violations } = check(history(entries, [fault(1, 'runner-killed', 50, 'a')]))
    expect(violations).toMatchObject([
      { kind: 'overlap', at: 80, ms: 20, after: 1, excused: false },
      { kind: 'overlap', at: 390, ms: 5 },
    ])
  })

  test('finds the overlap with somebody who was killed, up to the last heartbeat', () => {
    const killed = life('a', 0, 100).filter(({ event }) => event !== 'end')
    expect(kindsIn(history(killed, life('b', 99, 200)))).toEqual(['overlap'])
    expect(kindsIn(history(killed, life('b', 101, 200)))).toEqual([])
  })

  test('excuses an overlap after an operator deleted the key, and nothing else', () => {
    const entries = history(life('a', 0, 100, { fence: 7 }), life('b', 80, 200, { fence: 7 }))
    const { violations } = check(history(entries, [fault(1, 'key-deleted', 50, 'a')]))
    expect(violations).toMatchObject([
      { kind: 'overlap', excused: true },
      { kind: 'fence', excused: false },
    ])
  })

  test('finds a lost update', () => {
    const adds = [...added(10, 'a', 1), ...added(20, 'a', 2), ...added(110, 'b', 2), ...added(120, 'b', 3)]
    expect(kindsIn(history(life('a', 0, 100), life('b', 101, 200), adds))).toEqual(['lost update'])
  })

  test('does not take an update for lost that was made but not told, by somebody who was killed', () => {
    const adds = [...added(10, 'a', 1), ...added(110, 'b', 3)]
    expect(kindsIn(history(life('a', 0, 100), life('b', 101, 200), adds))).toEqual([])
  })

  test('finds an orphan once the lock has passed on, not before', () => {
    const orphan = life('a', 0, 100).map((entry) => (entry.event === 'beat' ? { ...entry, orphan: true } : entry))
    expect(kindsIn(history(orphan as Entry[], life('b', 101, 200)))).toEqual([])
    expect(kindsIn(history(orphan as Entry[], life('b', 60, 200)))).toEqual(['overlap', 'orphan'])
  })

  test('finds a fence that did not grow', () => {
    const fenced = (second: number) => history(life('a', 0, 100, { fence: 7 }), life('b', 101, 200, { fence: second }))
    expect(kindsIn(fenced(7))).toEqual(['fence'])
    expect(kindsIn(fenced(6))).toEqual(['fence'])
    expect(kindsIn(fenced(8))).toEqual([])
  })

  test('finds runners that crashed, and locks that nobody got any more', () => {
    const exit: Entry = { at: 50, event: 'exit', host: 'a', code: 70 }
    const stuck: Entry = { at: 60, event: 'settled', number: 1, outcome: 'stuck' }
    expect(kindsIn([exit, { ...exit, code: 6 }, stuck])).toEqual(['crash', 'stuck'])
  })

  test('measures how long the dead lived on and when the next began', () => {
    const settled: Entry = { at: 400, event: 'settled', number: 1, outcome: 'handed-over' }
    const entries = history(life('a', 0, 200), life('b', 350, 500), [fault(1, 'runner-killed', 50, 'a'), settled])
    const verdict = check(entries)
    expect(verdict.injections).toMatchObject([{ outcome: 'handed-over', deadAfterMs: 150, handOverMs: 300 }])
    expect(faultTable(verdict, ['runner-killed'])).toContain(
      '| runner-killed | 1 | 0 | 300 ms / 300 ms | 150 ms / 150 ms |',
    )
  })
})
