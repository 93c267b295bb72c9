import { Glob } from '../../../base/glob.ts'
import { conditionOf, type LocksView, type LockView } from '../../../overview/lock-view.ts'
import { endMsOf } from '../../../run/history/describe-run.ts'
import type { Key, ScreenSize } from '../../output/full-screen.ts'
import { lockProcessText } from './lock-cells.ts'

/** What the list is sorted by, in the order in which `s` takes them. */
const ORDERS = ['name', 'held longest', 'most waiting', 'last run', 'state'] as const
export type Order = (typeof ORDERS)[number]

/** The live view, as it is by what was read and what was pressed. */
export interface ScreenState {
  readonly size: ScreenSize
  /** As it was read last; nothing yet before the first reading. */
  readonly view: LocksView | undefined
  /** What is to be shown of that, in its order. */
  readonly rows: readonly LockView[]
  readonly order: Order
  readonly filter: string
  /** Keys write into the filter. */
  readonly isTyping: boolean
  /** The key of the lock on which the bar stands. */
  readonly selected: string | undefined
  /** How many rows are above the first one to be seen. */
  readonly top: number
  /** One lock's page, and how many of its lines are above the first one to be seen. */
  readonly page: { readonly key: string; readonly top: number } | undefined
  readonly isHelp: boolean
  /** What keeps us from seeing more, in a sentence. */
  readonly trouble: string | undefined
}

export function firstState(size: ScreenSize): ScreenState {
  return {
    ...{ size, view: undefined, rows: [], order: 'name', filter: '', isTyping: false, selected: undefined, top: 0 },
    ...{ page: undefined, isHelp: false, trouble: undefined },
  }
}

/** The lines of the list: all but title, heads and foot. */
export function listHeight({ size }: Pick<ScreenState, 'size'>): number {
  return Math.max(1, size.rows - 3)
}

/** What was read, or another size of the terminal. */
export function withChange(
  state: ScreenState,
  change: Partial<Pick<ScreenState, 'view' | 'size' | 'trouble'>>,
): ScreenState {
  const next = { ...state, ...change }
  return 'view' in change ? sorted(next) : inSight(next)
}

/** What a key makes of it. */
export function press(state: ScreenState, key: Key): ScreenState | 'quit' {
  if (state.isTyping) return typed(state, key)
  if (state.isHelp) return key.name === 'q' ? 'quit' : { ...state, isHelp: false }
  if (key.isControl) return moved(state, key)
  switch (key.text) {
    case 'q':
      return 'quit'
    case '?':
      return { ...state, isHelp: true }
    case '/':
      return { ...state, page: undefined, isTyping: true }
    case 's':
      return sorted({ ...state, order: nextOrder(state.order) })
  }
  if (key.name === 'escape') {
    return state.page ? { ...state, page: undefined } : sorted({ ...state, filter: '' })
  }
  if (key.name === 'return' || key.name === 'enter') return state.page ? state : opened(state)
  return moved(state, key)
}

function opened(state: ScreenState): ScreenState {
  return state.selected === undefined ? state : { ...state, page: { key: state.selected, top: 0 } }
}

function nextOrder(order: Order): Order {
  return ORDERS[(ORDERS.indexOf(order) + 1) % ORDERS.length] ?? 'name'
}

function typed(state: ScreenState, { name, text, isControl }: Key): ScreenState {
  if (name === 'return' || name === 'enter') return { ...state, isTyping: false }
  if (name === 'escape') return sorted({ ...state, isTyping: false, filter: '' })
  if (name === 'backspace') return sorted({ ...state, filter: state.filter.slice(0, -1) })
  if (isControl && name === 'u') return sorted({ ...state, filter: '' })
  return !isControl && /^[ -~]$/.test(text) ? sorted({ ...state, filter: state.filter + text }) : state
}

/** The bar, or a page, by the keys that move. */
function moved(state: ScreenState, { name, text, isControl }: Key): ScreenState {
  const height = listHeight(state)
  const by = isControl ? CONTROL_MOVES[name] : (MOVES[name] ?? MOVES[text])
  if (by === undefined) return state
  const lines = by(height)
  if (state.page) return { ...state, page: { ...state.page, top: Math.max(0, state.page.top + lines) } }
  const last = state.rows.length - 1
  const at = state.rows.findIndex(({ key }) => key === state.selected)
  const selected = state.rows[Math.max(0, Math.min(last, at + lines))]?.key
  return inSight({ ...state, selected })
}

type Lines = (height: number) => number

const MOVES: Readonly<Record<string, Lines>> = {
  up: () => -1,
  down: () => 1,
  k: () => -1,
  j: () => 1,
  pageup: (height) => -height,
  pagedown: (height) => height,
  home: () => Number.NEGATIVE_INFINITY,
  end: () => Number.MAX_SAFE_INTEGER,
  g: () => Number.NEGATIVE_INFINITY,
  G: () => Number.MAX_SAFE_INTEGER,
}
const CONTROL_MOVES: Readonly<Record<string, Lines>> = {
  b: (height) => -height,
  f: (height) => height,
  p: () => -1,
  n: () => 1,
}

/** The rows anew, with the bar where it was, or where that lock would be. */
function sorted(state: ScreenState): ScreenState {
  const { view, order, filter, selected } = state
  const before = Math.max(
    0,
    state.rows.findIndex(({ key }) => key === selected),
  )
  const isShown = filterOf(filter)
  const rows = (view?.locks ?? []).filter(isShown).sort(comparing(order, view?.pause !== undefined))
  const isThere = rows.some(({ key }) => key === selected)
  const nearest = rows[Math.min(before, rows.length - 1)]?.key
  return inSight({ ...state, rows, selected: isThere ? selected : nearest })
}

/** With the bar on the screen, and no room below the last row that rows above could have. */
function inSight(state: ScreenState): ScreenState {
  const height = listHeight(state)
  const at = Math.max(
    0,
    state.rows.findIndex(({ key }) => key === state.selected),
  )
  const lowest = Math.max(0, state.rows.length - height)
  return { ...state, top: Math.max(0, Math.min(lowest, Math.min(at, Math.max(state.top, at - height + 1)))) }
}

/** A filter is a glob if it has a star or the like, and else a part of a name, a host, a user or a program. */
function filterOf(filter: string): (lock: LockView) => boolean {
  if (filter === '') return () => true
  if (/[*?[]/.test(filter)) {
    const glob = new Glob(filter)
    return ({ name }) => glob.matches(name)
  }
  const part = filter.toLowerCase()
  return ({ name, holders }) =>
    [name, ...holders.map(lockProcessText)].some((text) => text.toLowerCase().includes(part))
}

type Compare = (one: LockView, other: LockView) => number

function comparing(order: Order, isAllPaused: boolean): Compare {
  const rank = rankOf(order, isAllPaused)
  const byName: Compare = (one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0)
  return (one, other) => rank(one) - rank(other) || byName(one, other)
}

const STATES = ['held', 'closed', 'paused', 'reserved', 'left', 'data', 'free'] as const

/** By what locks are sorted, the lowest first; finite, for two of them are subtracted. */
function rankOf(order: Order, isAllPaused: boolean): (lock: LockView) => number {
  switch (order) {
    case 'name':
      return () => 0
    case 'held longest':
      return ({ holders: [holder] }) => (holder ? (holder.sinceMs ?? 0) : Number.MAX_SAFE_INTEGER)
    case 'most waiting':
      return ({ waiters }) => -waiters.length
    case 'last run':
      return ({ runs }) => (runs !== 'unreadable' && runs.last ? -endMsOf(runs.last) : 0)
    case 'state':
      return (lock) => STATES.indexOf(conditionOf(lock, isAllPaused))
  }
}
