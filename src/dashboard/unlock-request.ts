import * as v from 'valibot'
import { withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { oneLine, quoted } from '../base/printable.ts'
import { storedAs } from '../consul/stored-value.ts'
import type { ListenerRequest, ListenerResponse } from '../listen/answer-request.ts'
import type { SessionHoldChange } from '../unlock/end-session-hold.ts'
import type { Board } from './board.ts'
import type { UnlockRequest } from './page-messages.ts'
import { line } from './texts.ts'

/** Ends the session of a holder. Settles with what has changed since it was shown; then nothing is done. */
export type Unlock = (ctx: Context, request: UnlockRequest) => Promise<SessionHoldChange>

const MAX_BODY = 4096
const UNLOCK_MS = 30_000
const HOST_LENGTH = 60
const CHANGED_HANDS = 'It has changed hands since: that holder does not have it any more.'

const REQUEST: v.GenericSchema<unknown, UnlockRequest> = v.object({
  key: v.pipe(v.string(), v.maxLength(1024)),
  session: v.pipe(v.string(), v.maxLength(64)),
  others: v.array(v.string()),
})

/**
 * Ends the session that a page has shown as a holder of a lock, if it still is one and holds nothing more than was
 * shown.
 */
export async function answerUnlock(
  ctx: Context,
  board: Board,
  unlock: Unlock,
  request: ListenerRequest,
): Promise<ListenerResponse> {
  const body = await request.body(MAX_BODY)
  const asked = body === undefined ? undefined : storedAs(REQUEST, body)
  if (!asked) return said(400, 'that is no request to unlock')
  const row = board.scene.locks.find(({ key }) => key === asked.key)
  const holder = row?.holders.find(({ session }) => session === asked.session)
  if (!row || !holder) return said(409, CHANGED_HANDS)
  const host = oneLine(holder.host ?? 'somebody', HOST_LENGTH)
  try {
    // Not under the page's signal: what was begun is brought to its end.
    const change = await withDeadline(ctx, UNLOCK_MS, (ctx) => unlock(ctx, asked))
    if (change !== 'none') {
      return said(
        409,
        'more' in change ? `It holds more than you were shown: ${change.more.map(line).join(', ')}.` : CHANGED_HANDS,
      )
    }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.warn(`the session ${holder.session} could not be ended: ${thrown.message}`)
    return said(502, `It could not be ended: ${thrown.message}.`)
  }
  ctx.log.notice(
    `unlocked ${quoted(row.name)}: ended the session ${holder.session} on ${host}, as somebody at ${request.peer} asked`,
  )
  return said(200, `The session on ${host} has ended.`)
}

function said(status: number, text: string): ListenerResponse {
  return { status, type: 'text/plain; charset=utf-8', text }
}
