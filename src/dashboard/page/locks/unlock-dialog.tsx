import { useEffect, useRef, useState } from 'preact/hooks'
import { formatDuration } from '../../../base/duration.ts'
import type { UnlockRequest } from '../../page-messages.ts'
import type { LockRow, ShownHolder } from '../../scene.ts'
import { Age, aboutPerson, counted, hostOf } from '../words.tsx'

/** Whom it would hit, as the reader saw it. */
export interface UnlockTarget {
  readonly row: LockRow
  readonly holder: ShownHolder
}

interface UnlockDialogProps {
  readonly target: UnlockTarget
  /** The lock as it is by now. */
  readonly current: LockRow | undefined
  readonly pageKey: string
  /** With what came of it; nothing when it wasn't done. */
  readonly onClose: (said?: string) => void
}

/** Says whom it hits and what will happen, and does it when the reader says so. */
export function UnlockDialog({ target: { row, holder }, current, pageKey, onClose }: UnlockDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [isAsking, setAsking] = useState(false)
  const [refusal, setRefusal] = useState<string>()
  const cancel = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    dialog.current?.showModal()
    // Whoever presses Enter without reading has done no harm.
    cancel.current?.focus()
  }, [])
  const isStillSo = current?.holders.some(({ session }) => session === holder.session) === true
  const host = hostOf(holder)
  const ask = async () => {
    setAsking(true)
    const answer = await unlock({ key: row.key, session: holder.session, others: holder.others }, pageKey)
    setAsking(false)
    if (answer.isDone) onClose(`${row.name}: ${answer.text}`)
    else setRefusal(answer.text)
  }
  return (
    <dialog ref={dialog} aria-labelledby="unlock-title" aria-describedby="unlock-what" onClose={() => onClose()}>
      <h2 id="unlock-title">Unlock {row.name}?</h2>
      <div id="unlock-what">
        <p>
          <strong>{host}</strong>
          {aboutPerson(holder) && ` (${aboutPerson(holder)})`} holds it
          {holder.sinceMs !== undefined && <Age atMs={holder.sinceMs} words={(long) => ` for ${long}`} />}.
        </p>
        <ul>
          <li>{whatBecomesOf(row, holder, host)}</li>
          {holder.others.length > 0 && <li>These locks go with it: {holder.others.join(', ')}.</li>}
          <li>{whenItOpens(holder)}</li>
          <li>{whoIsNext(current ?? row)}</li>
        </ul>
      </div>
      {!isStillSo && !isAsking && <p role="alert">{host} does not have it any more. There is nothing to unlock.</p>}
      {refusal && <p role="alert">{refusal}</p>}
      <div class="choices">
        <button type="button" ref={cancel} onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        <button type="button" class="danger" disabled={!isStillSo || isAsking} onClick={ask}>
          {isAsking ? 'Ending it…' : `End the session on ${host}`}
        </button>
      </div>
    </dialog>
  )
}

function whatBecomesOf({ kind }: LockRow, { isKept, lockDelayMs }: ShownHolder, host: string): string {
  if (kind === 'leader') return `The agent on ${host} demotes its application, and another one may become master.`
  if (isKept) return `Whoever keeps it on ${host} by consul-locker hold is told that it is lost.`
  // Only runs of ours say that.
  if (lockDelayMs === undefined) return `What runs on ${host} may not notice: it was not taken by consul-locker.`
  return `Its command on ${host} is stopped at once, half done, and the run ends with exit code 6.`
}

function whenItOpens({ lockDelayMs }: ShownHolder): string {
  const delay =
    lockDelayMs === undefined ? 'its lock-delay, 15s by default' : `its lock-delay, ${formatDuration(lockDelayMs)}`
  return `Consul keeps the lock closed for ${delay}.`
}

function whoIsNext({ waiting, waiters: [first] }: LockRow): string {
  if (waiting === 0) return 'Then it is free: nobody waits.'
  return `Then ${first ? hostOf(first) : 'the first'} is next; ${counted(waiting, 'waits', 'wait')}.`
}

async function unlock(request: UnlockRequest, pageKey: string): Promise<{ isDone: boolean; text: string }> {
  try {
    const answer = await fetch('/unlock', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-page-key': pageKey },
      body: JSON.stringify(request),
    })
    return { isDone: answer.ok, text: (await answer.text()).trim() }
  } catch {
    return { isDone: false, text: 'The dashboard does not answer. Look whether it was done before you try again.' }
  }
}
