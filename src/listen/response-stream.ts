import type { ServerResponse } from 'node:http'
import { AbortReason, unlessAborted, withTimeout } from '../base/abort.ts'
import type { Context } from '../base/context.ts'

/** An answer that goes on. */
export interface ResponseStream {
  /** Aborts when the other side has gone. */
  readonly signal: AbortSignal
  /**
   * Sends a text. Settles when the other side has taken it, so that no more than one text waits for it; rejects with
   * the signal's reason when it has gone. Whoever takes nothing for half a minute is cut off.
   */
  write(text: string): Promise<void>
}

/** A page that a phone puts to sleep takes nothing; it comes back by itself. */
const SLOWEST_MS = 30_000

const GONE = new AbortReason('the other side has gone')
const TOO_SLOW = new AbortReason('the other side does not read')

/** Lets `stream` write an answer whose head is sent, and ends it. Settles when the other side has gone, too. */
export async function streamTo(
  ctx: Context,
  response: ServerResponse,
  stream: (out: ResponseStream) => Promise<void>,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort(GONE))
  const { signal } = gone
  const write = async (text: string) => {
    signal.throwIfAborted()
    if (response.write(text)) return
    const drained = new Promise<void>((resolve) => response.once('drain', resolve))
    try {
      await withTimeout(
        { ...ctx, signal },
        SLOWEST_MS,
        () => TOO_SLOW,
        () => drained,
      )
    } catch (thrown) {
      response.destroy()
      throw thrown
    }
  }
  try {
    // The stream is told by its signal, and not waited for.
    await unlessAborted(signal, stream({ signal, write }))
    response.end()
  } catch (thrown) {
    response.destroy()
    if (thrown !== GONE && thrown !== TOO_SLOW) throw thrown
  }
}
