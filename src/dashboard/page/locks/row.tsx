import type { LockRow, ShownHolder } from '../../scene.ts'
import { Icon } from '../icons.tsx'
import { PauseWords } from '../notices.tsx'
import type { Scale } from '../scale.ts'
import { Track } from '../timeline.tsx'
import { Age, aboutPerson, counted, hostOf } from '../words.tsx'
import { Details } from './details.tsx'

interface RowProps {
  readonly row: LockRow
  readonly scale: Scale
  readonly width: number
  readonly isOpen: boolean
  readonly onToggle: () => void
  readonly onUnlock: ((holder: ShownHolder) => void) | undefined
}

const COLUMNS = 4
const KINDS: Record<LockRow['kind'], string> = {
  lock: '',
  slots: 'slots',
  readers: 'readers',
  leader: 'leader',
  data: '',
}

/** One lock; and all of it, when that is wanted. */
export function Row({ row, scale, width, isOpen, onToggle, onUnlock }: RowProps) {
  const id = `all-of-${row.key}`
  return (
    <>
      <tr class={`lock state-${row.state}${isOpen ? ' is-open' : ''}`}>
        <th scope="row">
          <button
            type="button"
            class="opener"
            aria-expanded={isOpen}
            aria-controls={isOpen ? id : undefined}
            onClick={onToggle}
          >
            <Icon name="open" />
            <span class="name">{row.name}</span>
          </button>
          {KINDS[row.kind] && <span class="kind">{KINDS[row.kind]}</span>}
        </th>
        <td class="now">
          <Now row={row} />
        </td>
        <td class="queue">{row.waiting > 0 ? <Queue row={row} /> : <span class="none">–</span>}</td>
        <td class="runs">
          <Track bars={row.bars} scale={scale} width={width} />
        </td>
      </tr>
      {isOpen && (
        <tr class="details" id={id}>
          <td colSpan={COLUMNS}>
            <Details row={row} scale={scale} onUnlock={onUnlock} />
          </td>
        </tr>
      )}
    </>
  )
}

function Now({ row }: { row: LockRow }) {
  return (
    <>
      <span class={`state state-${row.state}`}>
        <Icon name={row.state} />
        <StateWords row={row} />
      </span>
      {row.state === 'held' && row.pause && <span class="also">paused</span>}
      {row.state === 'held' && row.closedUntilMs !== undefined && <span class="also">a place is closed</span>}
    </>
  )
}

function StateWords({ row }: { row: LockRow }) {
  const { state, holders, holding, limit, kind } = row
  const [first] = holders
  switch (state) {
    case 'held': {
      if (!first) return <>held</>
      const places = kind === 'slots' ? `${holding} of ${limit} slots` : counted(holding, 'reader', 'readers')
      return (
        <span class="words">
          <strong title={aboutPerson(first)}>{kind === 'lock' || kind === 'leader' ? hostOf(first) : places}</strong>
          {first.sinceMs !== undefined && (
            <small>
              <Age atMs={first.sinceMs} words={(long) => `for ${long}`} />
            </small>
          )}
        </span>
      )
    }
    case 'closed':
      return (
        <span class="words">
          closed
          {row.closedUntilMs !== undefined && (
            <small>
              by its lock-delay, <Age atMs={row.closedUntilMs} words={(left) => `${left} at most`} />
            </small>
          )}
        </span>
      )
    case 'paused':
      return (
        <span class="words">
          paused <small>{row.pause ? <PauseWords pause={row.pause} /> : 'as all are'}</small>
        </span>
      )
    case 'reserved':
      return <span class="words">kept for {row.reservedFor}</span>
    case 'left':
      return (
        <span class="words">
          free <small>never given back{row.left ? ` by ${row.left}` : ''}</small>
        </span>
      )
    case 'data':
      return <span class="words">no lock</span>
    case 'free':
      return <span class="words">free</span>
  }
}

function Queue({ row: { waiters, waiting } }: { row: LockRow }) {
  const [first] = waiters
  return (
    <span class="words">
      <strong>{waiting.toLocaleString('en')}</strong>
      {first && <small>{`next ${hostOf(first)}`}</small>}
    </span>
  )
}
