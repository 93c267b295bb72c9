import { describe, expect, test } from 'vitest'
import { columnsOf } from '../../../../../src/base/columns.ts'
import { inPage, screenLines } from '../../../../../src/cli/commands/locks/screen-lines.ts'
import { firstState, press, type ScreenState, withChange } from '../../../../../src/cli/commands/locks/screen-state.ts'
import type { LocksView, LockView } from '../../../../../src/overview/lock-view.ts'

const NOW = Date.parse('2026-11-29T03:00:00Z')
const SIZE = { columns: 80, rows: 12 }
const session = '9ab98b35-3735-4010-a43b-bfe24e300793'
const lock = (name: string, about: Partial<LockView> = {}): LockView => ({
  ...{ name, key: `consul-locker-${name}`, kind: 'lock', limit: 1, holders: [], waiters: [], runs: {} },
  ...about,
})
const held = (name: string, seconds: number, waiting = 0) =>
  lock(name, {
    holders: [
      {
        ...{
          host: `web${seconds}`,
          user: 'root',
          pid: 812,
          command: ['./run'],
          sinceMs: NOW - seconds * 1000,
          session,
        },
        ...{ fence: 12, isKept: false },
      },
    ],
    waiters: Array.from({ length: waiting }, (_, n) => ({ host: `w${n}`, sinceMs: NOW, session, isForMore: false })),
  })
const view = (...locks: LockView[]): LocksView => ({ locks, unseen: [], atMs: NOW })
const many = Array.from({ length: 30 }, (_, n) => lock(`job-${String(n).padStart(2, '0')}`))

const shown = (state: ScreenState) => screenLines(state, undefined, NOW).map(({ text }) => text.trimEnd())
const barOf = (state: ScreenState) => screenLines(state, undefined, NOW).find(({ look }) => look === 'selected')?.text
const start = (...locks: LockView[]) => withChange(firstState(SIZE), { view: view(...locks) })

/** The state after these keys: names of keys, `^x` for Ctrl, or what they write. */
function after(state: ScreenState, ...keys: string[]): ScreenState {
  return keys.reduce((state, name) => {
    const isControl = /^\^./.test(name)
    const next = press(state, { name: name.replace('^', ''), text: name.length === 1 ? name : '', isControl })
    if (next === 'quit') throw new Error('it quits')
    return next
  }, state)
}

describe('the live view', () => {
  test('fills the terminal with locks, and says what is to be pressed', () => {
    const state = start(held('backup', 252, 2), lock('deploy', { pause: {} }), held('redis', 3))
    expect(`\n${shown(state).join('\n')}\n`).toMatchInlineSnapshot(`
      "
      3 locks, by name                                                       03:00:00Z
      NAME          STATE   HOLDER             FOR     FENCE  WAIT  LAST RUN
      backup        held    web252 root ./run  4m12s   12     2     -
      deploy        paused  -                  -       -      -     -
      redis         held    web3 root ./run    3s      12     -     -






      Enter one lock  / filter  s sort  ? keys  q quit
      "
    `)
  })

  test('reads at first, and shows an empty cluster as one', () => {
    expect(shown(firstState(SIZE))[0]).toContain('reading')
    expect(shown(start())[1]).toBe('there is no lock')
  })

  test('has a bar that stays on its lock, whatever comes and goes', () => {
    const state = after(start(...many), 'down', 'down')
    expect(barOf(state)).toMatch(/^job-02/)
    const later = withChange(state, { view: view(lock('a'), lock('b'), ...many.slice(2)) })
    expect(barOf(later)).toMatch(/^job-02/)
    const gone = withChange(later, { view: view(lock('a'), lock('b'), ...many.slice(3)) })
    expect(barOf(gone)).toMatch(/^job-03/)
  })

  test.each([
    [['end'], 'job-29'],
    [['end', 'home'], 'job-00'],
    [['pagedown'], 'job-09'],
    [['pagedown', 'pagedown', 'pageup'], 'job-09'],
    [['G', 'k'], 'job-28'],
    [['j', 'j', 'g'], 'job-00'],
    [['up'], 'job-00'],
    [['^f', '^b', '^n'], 'job-01'],
  ])('scrolls by %j', (keys, name) => {
    const state = after(start(...many), ...keys)
    expect(barOf(state)).toMatch(new RegExp(`^${name}`))
  })

  test('shows what has the filter in it, or matches it', () => {
    const state = start(held('backup', 252), held('web', 3), lock('web-cache'))
    const names = (state: ScreenState) => state.rows.map(({ name }) => name)
    expect(names(after(state, '/', 'w', 'e', 'b'))).toEqual(['backup', 'web', 'web-cache'])
    expect(names(after(state, '/', '2', '5', '2'))).toEqual(['backup'])
    expect(names(after(state, '/', 'w', '*'))).toEqual(['web', 'web-cache'])
    expect(names(after(state, '/', 'w', '*', 'backspace', 'backspace'))).toEqual(['backup', 'web', 'web-cache'])
    const kept = after(state, '/', 'w', '*', 'return')
    expect(kept).toMatchObject({ isTyping: false, filter: 'w*' })
    expect(shown(kept)[0]).toContain('2 of 3 locks, with w*')
    expect(names(after(kept, 'escape'))).toEqual(['backup', 'web', 'web-cache'])
    expect(after(state, '/', 'q', 's', '?')).toMatchObject({ filter: 'qs?', order: 'name' })
    expect(shown(after(state, '/', 'n', 'o'))).toContain('none of the locks is like that')
  })

  test('sorts by another thing at each s', () => {
    const run = { runId: 'r', host: 'h', user: 'u', command: 'c', start: new Date(NOW).toISOString(), code: 0 }
    const state = start(lock('a', { runs: { last: run } }), held('b', 5, 1), held('c', 9, 3))
    const orders = ['name', 'held longest', 'most waiting', 'last run', 'state', 'name']
    const names = orders.map((_, n) => {
      const sorted = after(state, ...Array<string>(n).fill('s'))
      return [sorted.order, sorted.rows.map(({ name }) => name).join('')]
    })
    expect(names).toEqual([
      ['name', 'abc'],
      ['held longest', 'cba'],
      ['most waiting', 'cba'],
      ['last run', 'abc'],
      ['state', 'bca'],
      ['name', 'abc'],
    ])
  })

  test('has a page for one lock, with its history', () => {
    const state = after(start(held('backup', 252, 2)), 'return')
    const ended = [
      { runId: 'q', host: 'web1', user: 'root', command: './run', start: '2026-11-28T03:00:00Z', ranMs: 1000, code: 0 },
      { runId: 'r', host: 'web2', user: 'root', command: './run', start: '2026-11-29T01:00:00Z', ranMs: 900, code: 3 },
    ]
    const page = screenLines({ ...state, size: { columns: 80, rows: 16 } }, { key: 'consul-locker-backup', ended }, NOW)
    expect(`\n${page.map(({ text }) => text.trimEnd()).join('\n')}\n`).toMatchInlineSnapshot(`
      "
      one lock                                                               03:00:00Z
      lock        backup: held
      key         consul-locker-backup
      held by     web252 root ./run (pid 812) for 4m12s, fence 12, session
                  9ab98b35-3735-4010-a43b-bfe24e300793
      waiting     1. w0 for 0s
                  2. w1 for 0s

      STARTED               HOST  WAITED  RAN    END     COMMAND
      2026-11-29T01:00:00Z  web2  -       900ms  exit 3  ./run
      2026-11-28T03:00:00Z  web1  -       1s     exit 0  ./run




      Esc back  up/down scroll  ? keys  q quit
      "
    `)
    const low = withChange(state, { size: { columns: 80, rows: 6 } })
    expect(shown(after(low, 'down', 'down'))[1]).toMatch(/^held by/)
    const far = inPage(after(low, 'end'), undefined, NOW)
    expect(shown(after(far, 'up'))).not.toEqual(shown(far))
    expect(shown(after(state, 'escape'))[1]).toMatch(/^NAME/)
    expect(shown(withChange(state, { view: view() }))[1]).toBe('it is free, and nothing is known of it')
  })

  test('quits by q, but not while something is typed', () => {
    const q = { name: 'q', text: 'q', isControl: false }
    expect(press(start(), q)).toBe('quit')
    expect(press(after(start(), '?'), q)).toBe('quit')
    expect(press(after(start(), '/'), q)).toMatchObject({ filter: 'q' })
  })

  test('tells of trouble and of a pause of all locks where the keys stand', () => {
    const state = start(lock('a'))
    expect(shown(withChange(state, { trouble: 'Consul is away' })).at(-1)).toBe('Consul is away')
    expect(shown(withChange(state, { view: { ...view(lock('a')), pause: {} } })).at(-1)).toMatch(
      /^all locks are paused/,
    )
    expect(shown(after(state, '?')).at(-1)).toBe('any key goes back')
  })

  test.each([
    [80, 24],
    [120, 50],
    [40, 10],
    [20, 4],
    [10, 2],
    [1, 1],
  ])('fits into %i columns and %i rows, on each of its pages', (columns, rows) => {
    const evil = held('x'.repeat(100), 5, 60)
    const wide = lock('wide', { holders: [{ host: '主機'.repeat(40), session, fence: 1, isKept: true }] })
    const list = withChange(firstState({ columns, rows }), { view: view(evil, wide, ...many) })
    for (const state of [list, after(list, 'end'), after(list, '?'), after(list, '/'), after(list, 'return')]) {
      const lines = screenLines(state, undefined, NOW)
      expect(lines).toHaveLength(rows)
      for (const { text } of lines) expect(columnsOf(text)).toBeLessThanOrEqual(columns)
    }
  })

  test('shows a session whole on the page of a lock, however narrow', () => {
    const page = after(withChange(firstState({ columns: 40, rows: 30 }), { view: view(held('backup', 5)) }), 'return')
    const text = shown(page).map((line) => line.trim())
    expect(text.join('')).toContain(session)
  })

  test('keeps the bar in sight when the terminal becomes smaller', () => {
    const state = after(start(...many), 'pagedown')
    const smaller = withChange(state, { size: { columns: 40, rows: 6 } })
    expect(barOf(smaller)).toMatch(/^job-09/)
  })
})
