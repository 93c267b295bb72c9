import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Known } from '../live.ts'
import { Axis, Legend, useScale, useWidth } from '../timeline.tsx'
import type { Whereabouts } from '../whereabouts.ts'
import { Pages } from './pages.tsx'
import { Row } from './row.tsx'
import { Toolbar } from './toolbar.tsx'
import { UnlockDialog, type UnlockTarget } from './unlock-dialog.tsx'

interface LocksTabProps {
  readonly known: Known
  readonly place: Whereabouts
  readonly go: (change: Partial<Whereabouts>, replaces?: boolean) => void
  readonly say: (text: string) => void
}

/** All locks: who has each, who waits, and what ran when. */
export function LocksTab({ known, place, go, say }: LocksTabProps) {
  const { listing, rows, summary, hello } = known
  const scale = useScale(place.span)
  const { ref, width } = useWidth<HTMLTableCellElement>()
  const [openKey, setOpenKey] = useState<string>()
  const [target, setTarget] = useState<UnlockTarget>()
  const table = useRef<HTMLTableElement>(null)
  useKeptFocus(table)
  const shown = (listing?.keys ?? []).flatMap((key) => rows.get(key) ?? [])
  return (
    <>
      <Toolbar place={place} go={go} counts={summary?.counts} />
      <table class="locks" ref={table} onKeyDown={moveBetweenRows}>
        <caption class="unseen">
          Locks, who holds them, who waits for them, and their runs of the last {place.span}
        </caption>
        <thead>
          <tr>
            <th scope="col" class="col-name">
              Lock
            </th>
            <th scope="col" class="col-now">
              Now
            </th>
            <th scope="col" class="col-queue">
              Queue
            </th>
            <th scope="col" class="col-runs" ref={ref}>
              <span class="unseen">Runs</span>
              <Axis scale={scale} width={width} />
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <Row
              key={row.key}
              row={row}
              scale={scale}
              width={width}
              isOpen={openKey === row.key}
              onToggle={() => setOpenKey(openKey === row.key ? undefined : row.key)}
              onUnlock={hello?.mayUnlock ? (holder) => setTarget({ row, holder }) : undefined}
            />
          ))}
        </tbody>
      </table>
      {listing && shown.length === 0 && (
        <Nothing isAll={summary?.counts.all === 0 && place.search === ''} isKnown={summary?.isKnown === true} />
      )}
      <div class="under">
        <Legend />
        {listing && <Pages listing={listing} go={go} />}
      </div>
      {target && (
        <UnlockDialog
          target={target}
          current={rows.get(target.row.key)}
          pageKey={hello?.pageKey ?? ''}
          onClose={(text) => {
            setTarget(undefined)
            if (text) say(text)
          }}
        />
      )}
    </>
  )
}

function Nothing({ isAll, isKnown }: { isAll: boolean; isKnown: boolean }) {
  if (!isKnown) return <p class="nothing">Consul has not told anything yet.</p>
  if (!isAll) return <p class="nothing">No lock is like that.</p>
  return (
    <p class="nothing">
      There are no locks yet. The first one: <code>consul-locker backup ./backup.sh</code>
    </p>
  )
}

/** The arrow keys go from lock to lock. */
function moveBetweenRows(event: KeyboardEvent) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step === undefined || !(event.target instanceof HTMLElement) || !event.target.matches('.opener')) return
  const openers = [...document.querySelectorAll<HTMLElement>('.opener')]
  const next = openers[openers.indexOf(event.target) + step]
  if (!next) return
  event.preventDefault()
  next.focus()
}

/** A row that moves to another place would lose the reader's focus on its way. */
function useKeptFocus(table: { readonly current: HTMLTableElement | null }) {
  const focused = useRef<HTMLElement | null>(null)
  useEffect(() => {
    const note = () => {
      focused.current = table.current?.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null
    }
    document.addEventListener('focusin', note)
    return () => document.removeEventListener('focusin', note)
  }, [table])
  useLayoutEffect(() => {
    const { current } = focused
    if (current?.isConnected && document.activeElement === document.body) current.focus({ preventScroll: true })
  })
}
