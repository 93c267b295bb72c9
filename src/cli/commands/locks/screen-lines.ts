import { fitted, padded } from '../../../base/columns.ts'
import { printable } from '../../../base/printable.ts'
import type { LocksView } from '../../../overview/lock-view.ts'
import type { ScreenLine } from '../../output/full-screen.ts'
import { tableLines } from '../../output/table.ts'
import { LOCK_COLUMNS, lockCells } from './lock-cells.ts'
import { type LockHistory, pageLines } from './lock-page.ts'
import { pauseText } from './locks-table.ts'
import { listHeight, type ScreenState } from './screen-state.ts'

const HELP = [
  'up, down, k, j        move the bar; page up and down, home and end, too',
  'Enter                 all about one lock, and its history; Esc goes back',
  '/                     show only what has this in its name, host, user or',
  '                      program; with *, ? or [ what has such a name. Enter ends',
  '                      it, Esc forgets it',
  's                     sort by another thing: name, held longest, most waiting,',
  '                      last run, state',
  'Ctrl-Z                stop; fg goes on',
  'q, Ctrl-C             quit',
  '',
  'FOR: how long it has been held; of a closed lock, how long at most it stays so.',
  'FENCE: grows from holder to holder.  WAIT: how many wait.',
]

/**
 * The screen, one line for each row of the terminal at most. `history` is that of the page's lock, once it was read.
 */
export function screenLines(state: ScreenState, history: LockHistory | undefined, nowMs: number): ScreenLine[] {
  const { size, page, isHelp } = state
  const body = isHelp ? HELP.map((text) => ({ text })) : page ? pageOf(state, history, nowMs) : listOf(state, nowMs)
  const room = Math.max(0, size.rows - 2)
  const shown = [...body.slice(0, room), ...Array<ScreenLine>(Math.max(0, room - body.length)).fill({ text: '' })]
  const all: ScreenLine[] = [title(state, nowMs), ...shown, foot(state, nowMs)]
  return all.slice(0, size.rows).map(({ text, ...look }) => ({ text: fitted(printable(text), size.columns), ...look }))
}

function title({ view, rows, order, filter, size, page }: ScreenState, nowMs: number): ScreenLine {
  const clock = new Date(nowMs).toISOString().slice(11, 19)
  const count = view === undefined ? 'reading …' : countText(rows.length, view.locks.length)
  const sifted = filter === '' ? '' : `, with ${filter}`
  const left = page ? 'one lock' : `${count}${sifted}, by ${order}`
  return { text: `${padded(printable(left), size.columns - clock.length - 2)} ${clock}Z`, look: 'head' }
}

function countText(shown: number, all: number): string {
  const locks = all === 1 ? '1 lock' : `${all} locks`
  return shown === all ? locks : `${shown} of ${locks}`
}

/** In a live table columns keep their width when other rows come into sight, as far as there is room. */
const WIDTHS: Readonly<Record<string, number>> = { NAME: 12, STATE: 6, HOLDER: 16, FOR: 6 }
const LIVE_COLUMNS = LOCK_COLUMNS.map((column) => ({ ...column, reserved: WIDTHS[column.head] ?? 0 }))

function listOf(state: ScreenState, nowMs: number): ScreenLine[] {
  const { view, rows, top, selected, size } = state
  if (!view) return []
  if (rows.length === 0) return [{ text: view.locks.length > 0 ? 'none of the locks is like that' : noneText(view) }]
  const visible = rows.slice(top, top + listHeight(state))
  const cells = visible.map((lock) => lockCells(lock, view, nowMs))
  const [head, ...lines] = tableLines(LIVE_COLUMNS, cells, size.columns)
  return [
    { text: head, look: 'head' },
    ...lines.map((text, n): ScreenLine => {
      const isSelected = visible[n]?.key === selected
      return isSelected ? { text: padded(text, size.columns), look: 'selected' } : { text }
    }),
  ]
}

function noneText({ unseen }: LocksView): string {
  return unseen.length > 0 ? 'there is no lock that this token may see' : 'there is no lock'
}

function pageOf(state: ScreenState, history: LockHistory | undefined, nowMs: number): ScreenLine[] {
  const { page } = inPage(state, history, nowMs)
  return wholePage(state, history, nowMs)
    .slice(page?.top)
    .map((text) => ({ text }))
}

function wholePage({ view, page, size }: ScreenState, history: LockHistory | undefined, nowMs: number): string[] {
  const lock = view?.locks.find(({ key }) => key === page?.key)
  if (!view || !lock) return ['it is free, and nothing is known of it']
  return pageLines(lock, view, history, nowMs, size.columns)
}

/** The same, scrolled no further than to the end of its page. */
export function inPage(state: ScreenState, history: LockHistory | undefined, nowMs: number): ScreenState {
  const { page, size } = state
  if (!page || page.top === 0) return state
  const lowest = wholePage(state, history, nowMs).length - Math.max(1, size.rows - 2)
  return { ...state, page: { ...page, top: Math.max(0, Math.min(page.top, lowest)) } }
}

/** What is most to be known: trouble, what is typed, a pause, and at last the keys. */
function foot({ trouble, isTyping, filter, view, page, isHelp }: ScreenState, nowMs: number): ScreenLine {
  if (isTyping) return { text: `/${filter}_` }
  if (trouble !== undefined) return { text: trouble, look: 'head' }
  if (isHelp) return { text: 'any key goes back' }
  if (view?.pause) return { text: `all locks are paused ${pauseText(view.pause, nowMs)}`, look: 'head' }
  if (page) return { text: 'Esc back  up/down scroll  ? keys  q quit' }
  const [unseen] = view?.unseen ?? []
  return { text: unseen ?? 'Enter one lock  / filter  s sort  ? keys  q quit' }
}
