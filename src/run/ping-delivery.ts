import { AbortReason, sleep, withTimeout } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import { type Context, under } from '../base/context.ts'
import { oneLine } from '../base/printable.ts'
import { askHttp, type HttpAnswer } from '../probe/http-client.ts'
import { connectFailure } from '../probe/probe-result.ts'

const ATTEMPT_MS = 5000
const FIRST_PAUSE_MS = 500
/** Of an answer, so much is read: it is `OK`, or says in a few words what is wrong. */
const ANSWER_BYTES = 200
const SHOWN = 60

/** Answers that another try may mend. */
const PASSING = [408, 425, 429]

/** One ping, with what it has to say. */
export interface Ping {
  readonly url: URL
  readonly body: string
}

/**
 * Sends a ping until it arrives. Settles with the answer; with `undefined` when no other try would help, or once
 * `enough` has aborted, which lets a try that is under way come to its end. `onTrouble` hears why each try came to
 * nothing. Rejects only with the context's reason.
 */
export async function deliver(
  ctx: Context,
  { url, body }: Ping,
  onTrouble: (why: string) => void,
  enough: AbortSignal = ctx.signal,
): Promise<HttpAnswer | undefined> {
  const backoff = new Backoff(ctx.random, FIRST_PAUSE_MS)
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  for (;;) {
    const answer = await tryOnce(ctx, (ctx) =>
      askHttp(ctx, { method: 'POST', url, headers, body, maxBytes: ANSWER_BYTES }),
    )
    const why = typeof answer === 'string' ? answer : whatIsWrong(answer)
    if (typeof answer !== 'string' && why === undefined) return answer
    onTrouble(why ?? '')
    if (typeof answer !== 'string' && !isPassing(answer.status)) return undefined
    await sleep(under(ctx, enough), backoff.next()).catch(() => ctx.signal.throwIfAborted())
    if (enough.aborted) return undefined
  }
}

/** Settles with the answer, or with why there is none. Rejects only with the signal's reason. */
async function tryOnce(ctx: Context, ask: (ctx: Context) => Promise<HttpAnswer>): Promise<HttpAnswer | string> {
  try {
    return await withTimeout(ctx, ATTEMPT_MS, () => new AbortReason('no answer'), ask)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    return connectFailure(thrown)
  }
}

/** healthchecks says `OK (not found)` and `OK (rate limited)` with a 200. */
function whatIsWrong({ status, text }: HttpAnswer): string | undefined {
  const isSuccess = status >= 200 && status < 300
  if (isSuccess && !text.startsWith('OK (')) return undefined
  if (isSuccess) return `it answers ${JSON.stringify(oneLine(text, SHOWN))}`
  return status >= 300 && status < 400 ? `it answers ${status}, and redirects are not followed` : `it answers ${status}`
}

function isPassing(status: number): boolean {
  return status >= 500 || PASSING.includes(status)
}
