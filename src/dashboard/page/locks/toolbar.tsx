import { useEffect, useRef, useState } from 'preact/hooks'
import { type Counts, FILTERS, type Filter, SORTINGS, type Sorting } from '../../page-messages.ts'
import { Icon } from '../icons.tsx'
import { SPANS, type Span, type Whereabouts } from '../whereabouts.ts'

interface ToolbarProps {
  readonly place: Whereabouts
  readonly go: (change: Partial<Whereabouts>, replaces?: boolean) => void
  readonly counts: Counts | undefined
}

const FILTER_NAMES: Record<Filter, string> = {
  all: 'All',
  held: 'Held',
  waiting: 'Waited for',
  failed: 'Last run failed',
  paused: 'Paused',
}
const ORDER_NAMES: Record<Sorting, string> = {
  name: 'by name',
  longest: 'held the longest first',
  waiting: 'most waiters first',
  latest: 'latest run first',
}
const TYPING_MS = 200

/** Which locks are shown, and how much of their past. */
export function Toolbar({ place, go, counts }: ToolbarProps) {
  return (
    <div class="toolbar">
      <Search search={place.search} onSearch={(search) => go({ search }, true)} />
      <fieldset class="chips">
        <legend class="unseen">Show</legend>
        {FILTERS.map((filter) => (
          <button key={filter} type="button" aria-pressed={place.filter === filter} onClick={() => go({ filter })}>
            {FILTER_NAMES[filter]} {counts && <span class="count">{counts[filter].toLocaleString('en')}</span>}
          </button>
        ))}
      </fieldset>
      <label class="order">
        <span class="unseen">Sorting</span>
        <select value={place.order} onChange={({ currentTarget }) => go({ order: currentTarget.value as Sorting })}>
          {SORTINGS.map((order) => (
            <option key={order} value={order}>
              {ORDER_NAMES[order]}
            </option>
          ))}
        </select>
      </label>
      <SpanChoice span={place.span} onChoose={(span) => go({ span, page: place.page })} />
    </div>
  )
}

/** How much time the timelines show. */
export function SpanChoice({ span, onChoose }: { span: Span; onChoose: (span: Span) => void }) {
  return (
    <fieldset class="chips spans">
      <legend class="unseen">Timeline of the last</legend>
      {(Object.keys(SPANS) as Span[]).map((one) => (
        <button key={one} type="button" aria-pressed={span === one} onClick={() => onChoose(one)}>
          {one}
        </button>
      ))}
    </fieldset>
  )
}

function Search({ search, onSearch }: { search: string; onSearch: (text: string) => void }) {
  const input = useRef<HTMLInputElement>(null)
  const [text, setText] = useState(search)
  // Somebody went back.
  useEffect(() => setText(search), [search])
  useEffect(() => {
    if (text === search) return
    const typed = setTimeout(() => onSearch(text), TYPING_MS)
    return () => clearTimeout(typed)
  }, [text])
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof Element && event.target.matches('input, select, textarea')
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
      event.preventDefault()
      input.current?.focus()
      input.current?.select()
    }
    addEventListener('keydown', focus)
    return () => removeEventListener('keydown', focus)
  }, [])
  return (
    <label class="search">
      <Icon name="search" />
      <span class="unseen">Search locks, hosts, users, commands</span>
      <input
        ref={input}
        type="search"
        aria-keyshortcuts="/"
        placeholder="Search locks and hosts"
        value={text}
        maxLength={200}
        spellcheck={false}
        autocomplete="off"
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <span class="shortcut" aria-hidden="true">
        /
      </span>
    </label>
  )
}
